import assert from 'node:assert/strict';
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { LanguageModel } from '@tunan/model';
import { exportGguf } from '../../export/export-gguf.ts';
import { collect } from '../../generate.ts';
import type { GenerationRequest } from '../../request.ts';
import { CONTEXT_LENGTH, tinyTokenizer } from '../../testing/tiny-model.ts';
import { TorchEngine } from '../torch/torch-engine.ts';
import { LlamaCppEngine, type LlamaCppOptions } from './llama-cpp-engine.ts';

const tokenizer = await tinyTokenizer();
const folder = mkdtempSync(path.join(tmpdir(), 'tunan-llama-cpp-'));
after(() => rmSync(folder, { recursive: true }));

const TEMPLATE =
  '{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}';

// Weights small enough that GELU's table of 16 bits in llama.cpp moves no logit by 1e-3.
const sizes = { vocabularySize: 320, contextLength: CONTEXT_LENGTH, layers: 2, width: 32, initStd: 0.1 };
const directories = {
  gpt2: saved('gpt2', { ...sizes, heads: 2 }),
  qwen3: saved('qwen3', { ...sizes, family: 'llama', heads: 4, kvHeads: 2, headDim: 12, outputInit: 'normal' }),
};

function saved(name: string, config: Parameters<typeof LanguageModel.create>[0]): string {
  const directory = path.join(folder, name);
  const tokenizerFile = path.join(folder, 'tokenizer.json');
  tokenizer.save(tokenizerFile);
  using model = LanguageModel.create({ ...config, endOfDocumentId: tokenizer.eod }, { seed: 5 });
  model.save(directory, { tokenizerFile });
  writeFileSync(path.join(directory, 'chat_template.jinja'), TEMPLATE);
  exportGguf(directory, `${directory}.gguf`, { type: 'f32' });
  return directory;
}

const gguf = (family: keyof typeof directories): string => `${directories[family]}.gguf`;
const engineOf = (family: keyof typeof directories = 'qwen3', options: LlamaCppOptions = {}) =>
  LlamaCppEngine.load(gguf(family), { cacheType: 'f32', threads: 1, ...options });

/** Never ends by itself before maxTokens. */
const long = (prompt: string, options: Partial<GenerationRequest> = {}): GenerationRequest => ({
  prompts: [prompt],
  maxTokens: 30,
  seed: 1,
  logitBias: new Map([[tokenizer.eod, -100]]),
  ...options,
});

const prompts = ['春', '床前明月光，疑是', '白日依山尽，', 'Hello, 世界!', '千山鸟飞绝，万径'];

for (const family of ['gpt2', 'qwen3'] as const) {
  test(`greedy answers and log-probabilities are those of the torch engine, ${family}`, async () => {
    using llama = await engineOf(family);
    using torch = TorchEngine.load(directories[family]);
    assert.equal(llama.kind, 'llama.cpp');
    assert.equal(llama.contextLength, CONTEXT_LENGTH);
    const request: GenerationRequest = { prompts, temperature: 0, logprobs: 2, echo: true, maxTokens: 20, seed: 1 };
    const [one, other] = await Promise.all([collect(llama.submit(request)), collect(torch.submit(request))]);
    assert.equal(one.usage.promptTokens, other.usage.promptTokens);
    let compared = 0;
    for (const [place, { tokens }] of one.sequences.entries()) {
      const expected = other.sequences[place]!.tokens;
      for (const [step, token] of tokens.entries()) {
        const right = expected[step]!;
        const [first, second] = right.alternatives;
        // Where the two best are as good as equal, either may be taken, and what follows differs.
        if (token.id !== right.id && first!.logprob - second!.logprob < 1e-3) break;
        assert.equal(token.id, right.id, `${prompts[place]}, token ${step}`);
        assert.equal(token.text, right.text);
        if (right.logprob === undefined) assert.equal(token.logprob, undefined);
        else assert.ok(Math.abs(token.logprob! - right.logprob) < 1e-3, `${token.logprob} and ${right.logprob}`);
        compared++;
      }
    }
    assert.ok(compared > 100, `${compared} tokens compared`);
  });
}

test('vectors are those of the torch engine, also of texts in several pieces and beside what is generated', async () => {
  for (const family of ['gpt2', 'qwen3'] as const) {
    using llama = await engineOf(family, { stepTokens: 16, batchSize: 4 });
    using torch = TorchEngine.load(directories[family]);
    const long = [...tokenizer.encode(prompts.join(''), { specials: false }).slice(0, CONTEXT_LENGTH)];
    assert.ok(long.length > 2 * 16, 'more than two pieces');
    const inputs = ['春', long, '春眠不觉晓', long.slice(0, 17)];
    const generating = collect(llama.submit({ prompts, temperature: 0, maxTokens: 20, seed: 1 }));
    const [one, other] = await Promise.all([llama.embed!(inputs), torch.embed!(inputs)]);
    assert.equal(one.promptTokens, other.promptTokens);
    for (const [place, vector] of one.vectors.entries()) {
      const right = other.vectors[place]!;
      assert.equal(vector.length, sizes.width);
      const worst = Math.max(...vector.map((value, at) => Math.abs(value - right[at]!)));
      assert.ok(worst < 1e-3, `${family}, input ${place}: ${worst}`);
    }
    const alone = await collect(llama.submit({ prompts, temperature: 0, maxTokens: 20, seed: 1 }));
    assert.deepEqual((await generating).sequences, alone.sequences);
  }
  using short = await engineOf('qwen3', { cacheBytes: 20 * 2 * 2 * (12 + 12) * 4 });
  await assert.rejects(short.embed!(['春'.repeat(12)]), { code: 'INFERENCE_CACHE_TOO_SMALL' });
  const closing = await engineOf();
  const given = closing.embed!(['春眠不觉晓', '处处闻啼鸟']);
  await new Promise(setImmediate);
  closing.close();
  await assert.rejects(given, { code: 'INFERENCE_CLOSED' });
});

test('drawn answers obey the request as those of the torch engine do: penalties, cuts, masks, stops, choices', async () => {
  using llama = await engineOf();
  using torch = TorchEngine.load(directories.qwen3);
  const request = long('春', {
    choices: 3,
    temperature: 0.7,
    topP: 0.8,
    repetitionPenalty: 1.3,
    noRepeatNgramSize: 2,
    stop: ['\n'],
    seed: 7,
  });
  const [one, other] = await Promise.all([collect(llama.submit(request)), collect(torch.submit(request))]);
  const same = one.sequences.filter(({ text }, place) => text === other.sequences[place]!.text);
  // A draw on the border of two tokens may fall otherwise by the last bits of a logit; three of them do not.
  assert.ok(same.length >= 2, JSON.stringify([one, other]));
});

test('an answer depends on its seed and not on what else is served; beginnings are computed once', async () => {
  using alone = await engineOf();
  const begin = '床前明月光，疑是地上';
  const expected = await collect(alone.submit(long(begin, { maxTokens: 8 })));
  using engine = await engineOf('qwen3', { batchSize: 3, stepTokens: 5 });
  const others = ['静夜思', '千山', `${begin}霜`].map((prompt, seed) =>
    collect(engine.submit(long(prompt, { seed, choices: 2, maxTokens: 8 }))),
  );
  const mine = collect(engine.submit(long(begin, { maxTokens: 8 })));
  assert.deepEqual((await mine).sequences, expected.sequences);
  await Promise.all(others);
  assert.deepEqual((await collect(engine.submit(long(begin, { maxTokens: 8 })))).sequences, expected.sequences);
});

test('a prompt whose probabilities are wanted is the same in small pieces', async () => {
  const request: GenerationRequest = { prompts: [prompts.join('')], echo: true, logprobs: 1, maxTokens: 0, seed: 1 };
  const tokens = tokenizer.encode(request.prompts[0] as string, { specials: false }).slice(0, CONTEXT_LENGTH);
  const asked = { ...request, prompts: [[...tokens]] };
  using whole = await engineOf();
  using pieces = await engineOf('qwen3', { stepTokens: 4, batchSize: 2 });
  const [one, other] = await Promise.all([collect(whole.submit(asked)), collect(pieces.submit(asked))]);
  const logprobs = (result: typeof one) => result.sequences[0]!.tokens.map(({ logprob }) => logprob ?? 0);
  assert.equal(logprobs(one).length, tokens.length);
  for (const [place, logprob] of logprobs(one).entries()) assert.ok(Math.abs(logprob - logprobs(other)[place]!) < 1e-4);
});

test('conversations go through the template of the file, and a special token in a message is text', async () => {
  using llama = await engineOf();
  using torch = TorchEngine.load(directories.qwen3);
  const messages = [{ role: 'user', content: '春<eod>秋' }];
  assert.deepEqual(llama.encodeChat?.(messages), torch.encodeChat?.(messages));
});

test('long runs of text are encoded, and refused for their length', async () => {
  using engine = await engineOf();
  assert.throws(() => engine.submit(long('月'.repeat(300_000))), { code: 'INFERENCE_PROMPT_TOO_LONG' });
});

test('an aborted request leaves the others alone, and closing ends what runs', async () => {
  const engine = await engineOf('qwen3', { batchSize: 2 });
  const abort = new AbortController();
  const given = collect(engine.submit(long('春', { choices: 100 }), abort.signal));
  const kept = collect(engine.submit(long('秋')));
  setTimeout(() => abort.abort(), 5);
  await assert.rejects(given, { code: 'INFERENCE_ABORTED' });
  assert.equal((await kept).usage.completionTokens, 30);
  const running = collect(engine.submit(long('春')));
  await new Promise(setImmediate);
  engine.close();
  await assert.rejects(running, { code: 'INFERENCE_CLOSED' });
});

test('caches stay within their bytes: fewer sequences, then shorter ones', async () => {
  const positionBytes = 2 * 2 * (12 + 12) * 4;
  using two = await engineOf('qwen3', { cacheBytes: 2.5 * CONTEXT_LENGTH * positionBytes });
  const answers = collect(two.submit(long('春', { choices: 4 })));
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(two.occupancy.running <= 2);
  assert.equal((await answers).sequences.length, 4);
  using short = await engineOf('qwen3', { cacheBytes: 20 * positionBytes });
  assert.throws(() => short.submit(long('春')), { code: 'INFERENCE_CACHE_TOO_SMALL' });
  assert.equal((await collect(short.submit(long('春', { maxTokens: 10 })))).usage.completionTokens, 10);
});

test('files that cannot be served are told apart', async () => {
  const file = (name: string) => path.join(folder, name);
  await assert.rejects(LlamaCppEngine.load(file('none.gguf')), { code: 'INFERENCE_BAD_GGUF', message: /no such file/ });
  writeFileSync(file('text.gguf'), 'not a model');
  await assert.rejects(LlamaCppEngine.load(file('text.gguf')), { code: 'INFERENCE_BAD_GGUF', message: /no GGUF file/ });
  copyFileSync(gguf('qwen3'), file('short.gguf'));
  truncateSync(file('short.gguf'), 100_000);
  await assert.rejects(LlamaCppEngine.load(file('short.gguf')), {
    code: 'INFERENCE_BAD_GGUF',
    message: /truncated/,
  });
  const bytes = readFileSync(gguf('qwen3'));
  writeFileSync(file('damaged.gguf'), bytes.subarray(0, 600));
  await assert.rejects(LlamaCppEngine.load(file('damaged.gguf')), { code: 'INFERENCE_BAD_GGUF' });
  const unknown = Buffer.from(bytes);
  // The architecture's name stands in front of each of its keys, and has five letters everywhere.
  for (let at = unknown.indexOf('qwen3'); at >= 0; at = unknown.indexOf('qwen3', at)) unknown.write('other', at);
  writeFileSync(file('unknown.gguf'), unknown);
  await assert.rejects(LlamaCppEngine.load(file('unknown.gguf')), {
    code: 'INFERENCE_BAD_GGUF',
    message: /unknown model architecture: 'other'/,
  });
  closeSync(openSync(file('large.gguf'), 'w'));
  writeFileSync(file('large.gguf'), 'GGUF');
  truncateSync(file('large.gguf'), 2 ** 42);
  await assert.rejects(LlamaCppEngine.load(file('large.gguf')), {
    code: 'INFERENCE_NO_MEMORY',
    message: /model needs 4194304 MiB/,
  });
  await assert.rejects(engineOf('qwen3', { contextLength: CONTEXT_LENGTH + 1 }), {
    code: 'INFERENCE_BAD_OPTION',
    option: 'contextLength',
  });
});

test('constraints hold as in the torch engine', async () => {
  using llama = await engineOf();
  using torch = TorchEngine.load(directories.qwen3);
  const schema = { type: 'object', properties: { n: { type: 'integer', maximum: 99 } }, required: ['n'] };
  const constraint = { kind: 'json', schema } as const;
  const request: GenerationRequest = { prompts: ['春'], temperature: 0, maxTokens: 40, constraint };
  const [one, other] = await Promise.all([collect(llama.submit(request)), collect(torch.submit(request))]);
  assert.equal(one.sequences[0]!.text, other.sequences[0]!.text);
  assert.ok(JSON.parse(one.sequences[0]!.text).n <= 99);
  assert.throws(() => llama.submit({ ...request, constraint: { kind: 'regex', pattern: '(' } }), {
    message: /not closed/,
  });
});
