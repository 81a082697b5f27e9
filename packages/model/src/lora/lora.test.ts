// Adapters: PEFT's numbers (tests/golden/lora.py), gradients, both ways to the disk, the merged model, and what is refused.
import assert from 'node:assert/strict';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { noGrad, scope, setThreads, type Tensor, tensor } from '@tunan/torch';
import { weightsSha256 } from '../directory/weights-hash.ts';
import { ModelError } from '../errors.ts';
import { LanguageModel } from '../language-model.ts';
import { parseModelConfig, toHuggingFaceConfig } from '../model-config.ts';
import { targetsOf } from './adapter-config.ts';
import { loadAdapter, saveAdapter } from './adapter-directory.ts';
import { LoraLayers } from './lora-layers.ts';
import { mergeAdapter } from './merge.ts';

setThreads(1);
const golden = fileURLToPath(new URL('../../../../tests/golden/', import.meta.url));
const home = mkdtempSync(path.join(os.tmpdir(), 'tunan-lora-'));
after(() => rmSync(home, { recursive: true }));
const at = (...names: string[]) => path.join(home, ...names);

{
  const { config } = JSON.parse(readFileSync(path.join(golden, 'model.json'), 'utf8'));
  mkdirSync(at('gpt2'));
  writeFileSync(at('gpt2', 'config.json'), JSON.stringify(toHuggingFaceConfig(parseModelConfig(config))));
  copyFileSync(path.join(golden, 'model.safetensors'), at('gpt2', 'model.safetensors'));
}
const bases: Record<string, string> = { qwen3: path.join(golden, 'model-qwen3'), gpt2: at('gpt2') };

const flat = (nested: unknown) => [nested].flat(Number.POSITIVE_INFINITY) as number[];
const numbers = (value: Tensor) => flat(value.toNested());

function largestDifference(some: readonly number[], others: readonly number[]): number {
  assert.equal(some.length, others.length);
  return Math.max(...some.map((value, index) => Math.abs(value - others[index]!)));
}

function logitsOf(model: LanguageModel, ids: number[][]): { all: number[]; last: number[]; first: number[] } {
  return noGrad(() =>
    scope(() => {
      const logits = model.logits(model.hidden(tensor(ids, { dtype: 'int64' })));
      return {
        all: numbers(logits),
        last: numbers(logits.select(1, ids[0]!.length - 1)),
        first: numbers(logits.narrow(2, 0, 8)),
      };
    }),
  );
}

for (const [name, base] of Object.entries(bases)) {
  const adapter = path.join(golden, `lora-${name}`);
  const expected = JSON.parse(readFileSync(path.join(adapter, 'golden.json'), 'utf8'));

  test(`an adapter of PEFT on ${name}: its logits, and those of the merged model`, () => {
    using plain = LanguageModel.load(base);
    using layers = loadAdapter(adapter, plain.config);
    using model = LanguageModel.load(base, { makers: layers });
    const found = logitsOf(model, expected.ids);
    assert.ok(largestDifference(found.last, flat(expected.lastLogits)) < 1e-4);
    assert.ok(largestDifference(found.first, flat(expected.firstLogits)) < 1e-4);
    assert.ok(largestDifference(found.all, logitsOf(plain, expected.ids).all) > 0.1);

    mergeAdapter(base, adapter, at(`merged-${name}`));
    using merged = LanguageModel.load(at(`merged-${name}`));
    assert.ok(largestDifference(logitsOf(merged, expected.ids).all, found.all) < 1e-5);
  });

  test(`gradients of an adapter on ${name} are those of the merged weights, and the base has none`, () => {
    using layers = loadAdapter(adapter, configOf(base));
    using model = LanguageModel.load(base, { makers: layers });
    using merged = LanguageModel.load(at(`merged-${name}`), { trainable: true });
    const ids = tensor(expected.ids, { dtype: 'int64' });
    for (const one of [model, merged]) scope(() => one.loss(ids, ids, { training: true }).backward());
    const { rank, alpha, rankStabilized } = layers.config;
    const scale = alpha / (rankStabilized ? Math.sqrt(rank) : rank);
    noGrad(() =>
      scope(() => {
        for (const [map, { a, b }] of layers.pairs) {
          const stored = merged.namedParameters().get(`${map}.weight`)!.grad!;
          const weight = name === 'gpt2' ? stored.transpose(0, 1) : stored; // (out, in)
          const wantedA = b.transpose(0, 1).matmul(weight).mul(scale);
          const wantedB = weight.matmul(a.transpose(0, 1)).mul(scale);
          assert.ok(largestDifference(numbers(a.grad!), numbers(wantedA)) < 1e-5, `A of ${map}`);
          assert.ok(largestDifference(numbers(b.grad!), numbers(wantedB)) < 1e-5, `B of ${map}`);
        }
        for (const parameter of model.namedParameters().values()) assert.equal(parameter.grad, undefined);
      }),
    );
  });
}

function configOf(directory: string) {
  using model = LanguageModel.load(directory);
  return model.config;
}

test('a fresh adapter changes nothing, depends on its seed alone, and is on disk what it was', () => {
  const base = bases.qwen3!;
  using plain = LanguageModel.load(base);
  const targets = targetsOf(['all'], plain.config, '--targets');
  assert.deepEqual(targets, ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']);
  const config = { rank: 2, alpha: 4, rankStabilized: true, targets };
  using layers = LoraLayers.fresh(config, plain.config, 3);
  using model = LanguageModel.load(base, { makers: layers });
  const ids = [[1, 2, 3, 4]];
  assert.deepEqual(logitsOf(model, ids).all, logitsOf(plain, ids).all);

  saveAdapter(at('written'), layers, plain.config, { name: 'base' });
  using read = loadAdapter(at('written'), plain.config);
  using same = LoraLayers.fresh(config, plain.config, 3);
  for (const [map, { a }] of layers.pairs)
    for (const other of [read, same]) assert.deepEqual(numbers(other.pairs.get(map)!.a), numbers(a));
  assert.deepEqual(read.config, config);
});

test('an adapter that names its base by hash is merged into that one alone, unless any is asked for', () => {
  const base = bases.gpt2!;
  const config = configOf(base);
  const adapter = { rank: 1, alpha: 1, rankStabilized: false, targets: ['c_fc'] };
  using layers = LoraLayers.fresh(adapter, config, 1);
  saveAdapter(at('hashed'), layers, config, { name: 'base', sha256: weightsSha256(base) });
  mergeAdapter(base, at('hashed'), at('hashed-merged'));
  const other = at('other-weights');
  {
    using model = LanguageModel.create(config, { seed: 9 });
    model.save(other);
  }
  const out = at('never');
  assert.throws(
    () => mergeAdapter(other, at('hashed'), out),
    /trained beside other weights than those of .*--any-base/,
  );
  assert.ok(!existsSync(out));
  assert.equal(mergeAdapter(other, at('hashed'), out, { anyBase: true }), 2);
});

test('targets of GPT-2 whose last names are the same are told apart', () => {
  const config = configOf(bases.gpt2!);
  assert.deepEqual(targetsOf(['all'], config, ''), ['c_attn', 'attn.c_proj', 'c_fc', 'mlp.c_proj']);
  using layers = LoraLayers.fresh(
    { rank: 1, alpha: 1, rankStabilized: false, targets: targetsOf(['attention'], config, '') },
    config,
    1,
  );
  assert.ok([...layers.pairs.keys()].every((name) => name.includes('.attn.')));
});

test('what is not an adapter of this model is refused, by its field or tensor', () => {
  const config = configOf(bases.qwen3!);
  const changed = (name: string, fields: object) => {
    cpSync(path.join(golden, 'lora-qwen3'), at(name), { recursive: true });
    const file = at(name, 'adapter_config.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...fields }));
    return () => loadAdapter(at(name), config);
  };
  const refused = (load: () => unknown, pattern: RegExp) =>
    assert.throws(load, (error) => {
      assert.ok(error instanceof ModelError && error.code === 'MODEL_BAD_ADAPTER', String(error));
      assert.match(error.message, pattern);
      assert.ok(error.chinese !== undefined);
      return true;
    });
  refused(changed('dora', { use_dora: true }), /use_dora/);
  refused(changed('prefix', { peft_type: 'PREFIX_TUNING' }), /peft_type.*LORA/);
  refused(changed('pattern', { rank_pattern: { q_proj: 8 } }), /rank_pattern/);
  refused(changed('unknown', { target_modules: ['query'] }), /no maps named query; it has q_proj/);
  refused(changed('fewer', { target_modules: ['q_proj'] }), /has no place in this model/);
  refused(changed('rank', { r: 5 }), /has shape \(3, 24\), this model asks for \(5, 24\)/);
  refused(() => loadAdapter(path.join(golden, 'lora-gpt2'), config), /no maps named c_attn, c_proj/);
  const wider = { family: 'llama', vocabularySize: 96, contextLength: 64, layers: 2, width: 48, heads: 4 } as const;
  refused(() => loadAdapter(path.join(golden, 'lora-qwen3'), parseModelConfig(wider)), /adapter is of another model/);
  refused(() => loadAdapter(at('gpt2'), config), /no adapter_config\.json/);
  assert.throws(() => LanguageModel.load(path.join(golden, 'lora-gpt2')), /an adapter, not a model: merge it/);
  refused(() => mergeAdapter(bases.gpt2!, path.join(golden, 'lora-gpt2'), bases.gpt2!), /is the model itself/);
});
