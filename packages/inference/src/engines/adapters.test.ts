/** Adapters served hot, by both engines and for both families: against models that have one adapter alone, in layers of their own. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { LanguageModel, loadAdapter, readModelConfig } from '@tunan/model';
import { liveTensors } from '@tunan/torch';
import type { Engine } from '../engine.ts';
import { exportAdapter } from '../export/export-adapter.ts';
import { exportGguf } from '../export/export-gguf.ts';
import { collect } from '../generate.ts';
import type { GenerationRequest } from '../request.ts';
import { tinyAdapters } from '../testing/tiny-adapters.ts';
import { CONTEXT_LENGTH, tinyTokenizer } from '../testing/tiny-model.ts';
import { openEngine } from './open-engine.ts';
import { TorchEngine } from './torch/torch-engine.ts';

const tokenizer = await tinyTokenizer();
const folder = mkdtempSync(path.join(tmpdir(), '图南 adapters-'));
after(() => rmSync(folder, { recursive: true }));
tokenizer.save(path.join(folder, 'tokenizer.json'));

// Weights small enough that GELU's table of 16 bits in llama.cpp moves no logit by 1e-3.
const sizes = { vocabularySize: 320, contextLength: CONTEXT_LENGTH, layers: 2, width: 32, initStd: 0.1 };
const gated = { ...sizes, family: 'llama', heads: 4, kvHeads: 2, headDim: 12, outputInit: 'normal' } as const;
const families = {
  gpt2: { ...sizes, heads: 2 },
  qwen3: { ...gated, variant: 'qwen3' },
  llama: { ...gated, headDim: 8, variant: 'llama' }, // whose rows change places in a GGUF
} as const;
const COUNT = 16;

const models = new Map(
  Object.entries(families).map(([name, config]) => {
    const directory = path.join(folder, name);
    using model = LanguageModel.create({ ...config, endOfDocumentId: tokenizer.eod }, { seed: 5 });
    model.save(directory, { tokenizerFile: path.join(folder, 'tokenizer.json') });
    const adapters = tinyAdapters(directory, COUNT).map((place, index) => ({ name: `适配${index}`, directory: place }));
    return [name, { directory, adapters }];
  }),
);

const request: GenerationRequest = {
  prompts: ['静夜思\n床前明月光，', '春'],
  maxTokens: 8,
  temperature: 0,
  logprobs: 2,
  seed: 1,
  logitBias: new Map([[tokenizer.eod, -100]]),
};
type Answer = Awaited<ReturnType<typeof answer>>;
const answer = async (engine: Engine, asked = request) => await collect(engine.submit(asked));

/** Of a model that has this adapter in its layers and nothing else. */
async function alone(directory: string, adapter?: string, asked = request): Promise<Answer> {
  using layers = adapter === undefined ? undefined : loadAdapter(adapter, readModelConfig(directory));
  using model = LanguageModel.load(directory, layers === undefined ? {} : { makers: layers });
  using engine = new TorchEngine(model, tokenizer);
  return await answer(engine, asked);
}

/** Greedy answers of the same tokens up to where the two best are as good as equal. @returns the largest difference of a log-probability */
function difference(actual: Answer, expected: Answer, tie: number): number {
  let worst = 0;
  for (const [place, { tokens }] of actual.sequences.entries()) {
    for (const [step, token] of tokens.entries()) {
      const right = expected.sequences[place]!.tokens[step]!;
      const [first, second] = right.alternatives;
      if (token.id !== right.id && first!.logprob - second!.logprob < tie) break;
      assert.equal(token.id, right.id, `sequence ${place}, token ${step}`);
      worst = Math.max(worst, Math.abs(token.logprob! - right.logprob!));
    }
  }
  return worst;
}

const beginnings = ({ sequences }: Answer) => sequences.map(({ tokens }) => tokens[0]!.logprob!);

for (const [family, { directory, adapters }] of models) {
  test(`torch, ${family}: ${COUNT} adapters and none in one batch answer as each alone, and differ`, async () => {
    const before = liveTensors();
    const { engine } = await openEngine(directory, { adapters, torch: { batchSize: 2 * COUNT + 2, stepTokens: 64 } });
    const views = [engine, ...adapters.map(({ name }) => engine.adapted!(name))];
    const answers = await Promise.all(views.map((view) => answer(view)));
    const base = await alone(directory);
    assert.ok(difference(answers[0]!, base, 1e-5) < 1e-5);
    const seen = new Set<string>();
    for (const [index, { directory: place }] of adapters.entries()) {
      const found = answers[index + 1]!;
      assert.ok(difference(found, await alone(directory, place), 1e-5) < 1e-5, place);
      for (const [i, logprob] of beginnings(found).entries())
        assert.ok(Math.abs(logprob - beginnings(base)[i]!) > 1e-4);
      seen.add(
        beginnings(found)
          .map((one) => one.toFixed(4))
          .join(),
      );
    }
    assert.equal(seen.size, COUNT);
    engine.close();
    assert.equal(liveTensors(), before);
  });

  test(`llama.cpp, ${family}: an adapter a decode, answers as those of torch, whatever the order`, async () => {
    const gguf = path.join(folder, `${family}.gguf`);
    exportGguf(directory, gguf, { type: 'f32' });
    const some = adapters.slice(0, 4);
    const file = path.join(folder, `${family}-adapter.gguf`);
    exportAdapter(adapters[4]!.directory, readModelConfig(directory), file);
    const llamaCpp = { cacheType: 'f32', threads: 1 } as const;
    const { engine } = await openEngine(gguf, { adapters: [...some, { name: 'file', directory: file }], llamaCpp });
    using _engine = engine;
    const places = [undefined, ...adapters.slice(0, 5).map((one) => one.directory)];
    const views = [engine, ...[...some.map(({ name }) => name), 'file'].map((name) => engine.adapted!(name))];
    const found = await Promise.all(views.map((view) => answer(view)));
    const again = [];
    for (const view of views.toReversed()) again.unshift(await answer(view));
    for (const [index, place] of places.entries()) {
      const expected = await alone(directory, place);
      for (const one of [found[index]!, again[index]!]) assert.ok(difference(one, expected, 1e-3) < 2e-3, `${place}`);
    }
  });
}

test('what was computed under an adapter serves that adapter alone', async () => {
  const { directory, adapters } = models.get('qwen3')!;
  const long = {
    ...request,
    prompts: [[...tokenizer.encode('静夜思\n床前明月光，疑是地上霜。举头望明月，')].slice(0, 40)],
  };
  const gguf = path.join(folder, 'qwen3.gguf');
  for (const [source, tolerance] of [
    [directory, 1e-5],
    [gguf, 2e-3],
  ] as const) {
    const llamaCpp = { cacheType: 'f32', threads: 1 } as const;
    const { engine } = await openEngine(source, { adapters, llamaCpp });
    using _engine = engine;
    const views = [engine, engine.adapted!(adapters[0]!.name), engine.adapted!(adapters[1]!.name)];
    for (const view of views) {
      const { promptTokens } = view.prefixCache!;
      assert.equal(promptTokens, 0);
      assert.equal((await answer(view, long)).usage.cachedTokens, 0);
    }
    for (const [index, view] of views.entries()) {
      const second = await answer(view, long);
      assert.equal(second.usage.cachedTokens, long.prompts[0]!.length - 1);
      const expected = await alone(directory, index === 0 ? undefined : adapters[index - 1]!.directory, long);
      assert.ok(difference(second, expected, 1e-3) < tolerance);
      assert.equal(view.prefixCache!.promptTokens, 2 * long.prompts[0]!.length);
    }
  }
});

test('adapters beside weights of eight bits change their own rows alone, and embeddings too', async () => {
  const { directory, adapters } = models.get('gpt2')!;
  const [one, other] = adapters;
  const { engine } = await openEngine(directory, { adapters: [one!, other!], torch: { weights: 'int8' } });
  using _engine = engine;
  const views = [engine, engine.adapted!(one!.name), engine.adapted!(other!.name)];
  const together = await Promise.all(views.map((view) => answer(view)));
  for (const [index, view] of views.entries()) assert.ok(difference(await answer(view), together[index]!, 1e-5) < 1e-5);
  const [base, first, second] = together.map((found) => beginnings(found)[0]!);
  for (const [a, b] of [
    [base, first],
    [base, second],
    [first, second],
  ] as const)
    assert.ok(Math.abs(a! - b!) > 1e-3);
  const vectors = await Promise.all(views.map(async (view) => (await view.embed!(['春眠不觉晓'])).vectors[0]!));
  assert.ok(vectors[0]!.some((value, i) => Math.abs(value - vectors[1]![i]!) > 1e-3));
});

test('the template beside an adapter writes its conversations; another base is refused with both hashes', async () => {
  const { directory, adapters } = models.get('qwen3')!;
  const tuned = adapters[2]!;
  const template = '{% for m in messages %}{{ m.content }}{% endfor %}';
  writeFileSync(path.join(tuned.directory, 'chat_template.jinja'), template);
  const gguf = path.join(folder, 'qwen3.gguf');
  for (const source of [directory, gguf]) {
    const { engine } = await openEngine(source, { adapters: [tuned, adapters[3]!], llamaCpp: { threads: 1 } });
    using _engine = engine;
    assert.equal(engine.encodeChat, undefined);
    assert.equal(engine.adapted!(adapters[3]!.name).encodeChat, undefined);
    const ids = engine.adapted!(tuned.name).encodeChat!([{ role: 'user', content: '春眠' }]);
    assert.equal(tokenizer.decode(ids), '春眠');
    assert.throws(() => engine.adapted!('none'), /no adapter none/);
  }
  const stranger = path.join(folder, 'stranger');
  using model = LanguageModel.create({ ...families.qwen3, endOfDocumentId: tokenizer.eod }, { seed: 6 });
  model.save(stranger, { tokenizerFile: path.join(folder, 'tokenizer.json') });
  exportGguf(stranger, `${stranger}.gguf`, { type: 'q8_0' });
  for (const source of [stranger, `${stranger}.gguf`]) {
    const llamaCpp = { threads: 1 };
    await assert.rejects(openEngine(source, { adapters: [tuned], llamaCpp }), {
      code: 'MODEL_BAD_ADAPTER',
      message: /SHA-256 [0-9a-f]{16}… and not [0-9a-f]{16}….*--any-base/,
    });
    (await openEngine(source, { adapters: [tuned], anyBase: true, llamaCpp })).engine.close();
  }
  const { adapters: others } = models.get('llama')!;
  await assert.rejects(openEngine(directory, { adapters: [others[0]!], anyBase: true }), { code: 'MODEL_BAD_ADAPTER' });
  await assert.rejects(openEngine('http://127.0.0.1:1/v1', { adapters }), { code: 'INFERENCE_BAD_OPTION' });
});
