/**
 * Equality with PyTorch and transformers: numbers made by tests/golden/model.py. float32 sums in another order differ in the
 * last bits; 1e-5 relative to the largest value is what is asked for here, a wrong epsilon or decay is far outside.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { AdamW, clipGradNorm, noGrad, scope, type Tensor, tensor } from '@tunan/torch';
import { LanguageModel } from './language-model.ts';
import { parseModelConfig, toHuggingFaceConfig } from './model-config.ts';

const folder = new URL('../../../tests/golden/', import.meta.url);
const TOLERANCE = 1e-5;

interface Golden {
  readonly batches: readonly (readonly number[][])[];
  readonly lastLogits: unknown;
  readonly firstLogits: unknown;
  readonly loss: number;
  readonly losses: readonly number[];
  readonly gradientNorms: readonly number[];
  readonly final: Readonly<Record<string, number[]>>;
  readonly finalSum: Readonly<Record<string, number>>;
  readonly optimizer: {
    readonly learningRate: number;
    readonly betas: readonly [number, number];
    readonly epsilon: number;
    readonly weightDecay: number;
    readonly clip: number;
  };
}

interface Context {
  after(clean: () => void): void;
}

/** Copies the golden weights into a model directory of our own, and loads it. */
function gpt2(t: Context): { model: LanguageModel; golden: Golden } {
  const { config, ...golden } = readJson('model.json');
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-golden-'));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(path.join(directory, 'config.json'), JSON.stringify(toHuggingFaceConfig(parseModelConfig(config))));
  copyFileSync(new URL('model.safetensors', folder), path.join(directory, 'model.safetensors'));
  return { model: loaded(directory, t), golden };
}

/** A directory as save_pretrained() of transformers left it, in float16 or bfloat16. */
function ofLlama(name: string, t: Context): { model: LanguageModel; golden: Golden } {
  return {
    model: loaded(fileURLToPath(new URL(`model-${name}`, folder)), t),
    golden: readJson(`model-${name}/golden.json`),
  };
}

function readJson(name: string) {
  return JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
}

function loaded(directory: string, t: Context): LanguageModel {
  const model = LanguageModel.load(directory, { trainable: true });
  t.after(() => model.dispose());
  return model;
}

const models = {
  GPT2LMHeadModel: gpt2,
  Qwen3ForCausalLM: (t: Context) => ofLlama('qwen3', t),
  'Qwen2ForCausalLM with YaRN': (t: Context) => ofLlama('qwen2', t),
  'LlamaForCausalLM with the frequencies of Llama 3.1, in shards': (t: Context) => ofLlama('llama', t),
};

/** The largest difference, relative to the largest expected value. */
function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  assert.equal(actual.length, expected.length);
  const largest = Array.from(expected).reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  return Array.from(expected).reduce((max, value, at) => Math.max(max, Math.abs(value - actual[at]!)), 0) / largest;
}

function close(name: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  const found = difference(actual, expected);
  assert.ok(found <= TOLERANCE, `${name}: relative difference ${found}`);
}

function batchOf(golden: Golden, step: number): [Tensor, Tensor] {
  const rows = golden.batches[step]!;
  const part = (of: (row: number[]) => number[]) => tensor(rows.map(of), { dtype: 'int64' });
  return [part((row) => row.slice(0, -1)), part((row) => row.slice(1))];
}

const flat = (nested: unknown): number[] => [nested].flat(Number.POSITIVE_INFINITY) as number[];
const numbers = (value: Tensor): number[] => flat(value.toNested());

/** Without the bias of the keys: softmax does not see it, so its gradient is rounding alone, of which AdamW makes whole steps. */
function sumThatCounts(name: string, parameter: Tensor): number {
  const values = numbers(parameter.detach().to('float64'));
  const third = values.length / 3;
  const seen = name.endsWith('c_attn.bias') ? [...values.slice(0, third), ...values.slice(2 * third)] : values;
  return seen.reduce((sum, value) => sum + value, 0);
}

for (const [name, load] of Object.entries(models)) {
  test(`logits and loss are those of ${name}`, (t) => {
    const { model, golden } = load(t);
    noGrad(() =>
      scope(() => {
        const [ids, targets] = batchOf(golden, 0);
        const logits = model.logits(model.hidden(ids));
        const [batch, time] = ids.shape as [number, number];
        assert.deepEqual(logits.shape, [batch, time, model.sizes.vocabularySize]);
        close('last logits', numbers(logits.select(1, time - 1)), flat(golden.lastLogits));
        close('first logits', numbers(logits.narrow(2, 0, 8)), flat(golden.firstLogits));
        close('loss', [model.loss(ids, targets).item()], [golden.loss]);
        close('token losses', [model.tokenLosses(ids, targets).mean().item()], [golden.loss]);
      }),
    );
  });

  test(`ten steps of AdamW give the same losses, gradient norms and weights as those of ${name}`, (t) => {
    const { model, golden } = load(t);
    const { decayed, plain } = model.parameterGroups();
    const { learningRate, betas, epsilon, weightDecay, clip } = golden.optimizer;
    const groups = [
      { parameters: decayed, weightDecay },
      { parameters: plain, weightDecay: 0 },
    ];
    using optimizer = new AdamW(groups, { learningRate, betas, epsilon });
    const losses: number[] = [];
    const norms: number[] = [];
    for (let step = 0; step < golden.losses.length; step++) {
      optimizer.zeroGrad();
      scope(() => {
        const loss = model.loss(...batchOf(golden, step), { training: true });
        loss.backward();
        losses.push(loss.item());
      });
      norms.push(clipGradNorm([...model.namedParameters().values()], clip));
      optimizer.step();
    }
    close('losses', losses, golden.losses);
    close('gradient norms', norms, golden.gradientNorms);
    assert.deepEqual([...model.namedParameters().keys()].sort(), Object.keys(golden.finalSum).sort());
    for (const [name, expected] of Object.entries(golden.final)) {
      const actual = scope(() => numbers(model.namedParameters().get(name)!.detach()).slice(0, 12));
      close(name, actual, expected);
    }
    for (const [name, expected] of Object.entries(golden.finalSum)) {
      const actual = scope(() => sumThatCounts(name, model.namedParameters().get(name)!));
      assert.ok(Math.abs(actual - expected) < 1e-3, `sum of ${name}: ${actual}, expected ${expected}`);
    }
  });
}
