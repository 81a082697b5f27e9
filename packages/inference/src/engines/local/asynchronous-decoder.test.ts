/** A decoder that takes its time, as one behind another thread does: the torch decoder, answering later, and drawing by itself where asked. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { KeyValueCache } from '@tunan/model';
import { collect } from '../../generate.ts';
import type { GenerationRequest } from '../../request.ts';
import { applyPenalties } from '../../sampling/penalties.ts';
import { drawToken } from '../../sampling/sampling.ts';
import { tinyModel, tinyTokenizer } from '../../testing/tiny-model.ts';
import { TorchDecoder } from '../torch/torch-decoder.ts';
import { TorchEngine } from '../torch/torch-engine.ts';
import type { Decoder, Opening, Outcome, Segment } from './decoder.ts';
import { LocalEngine } from './local-engine.ts';

const tokenizer = await tinyTokenizer();
const model = tinyModel();
after(() => model.dispose());

class SlowDecoder implements Decoder<KeyValueCache> {
  readonly #inner = new TorchDecoder(model, {}, false, new Map());
  readonly kind = this.#inner.kind;
  readonly device = this.#inner.device;
  readonly contextLength = this.#inner.contextLength;
  readonly vocabularySize = this.#inner.vocabularySize;
  readonly promptAttention = this.#inner.promptAttention;
  readonly capacityLimit = this.#inner.capacityLimit;
  readonly keptBytes = 0;
  computing = false;
  opened = 0;
  drawn = 0;
  disposed = false;

  open(opening: Opening) {
    assert.ok(!this.computing && !this.disposed);
    const cache = this.#inner.open(opening);
    if (typeof cache === 'object') this.opened++;
    return cache;
  }

  async extend(segments: readonly Segment<KeyValueCache>[]): Promise<Outcome[]> {
    assert.ok(!this.computing && !this.disposed);
    this.computing = true;
    for (let turn = 0; turn < 3; turn++) await setImmediate();
    const outcomes = this.#inner.extend(segments);
    this.computing = false;
    return segments.map(({ draw }, place) => {
      const outcome = outcomes[place]!;
      if (draw === undefined || 'token' in outcome) return outcome;
      this.drawn++;
      const { request, history, uniform, forbidden } = draw;
      const logits = outcome.logits.subarray(0, tokenizer.vocabularySize);
      applyPenalties(logits, history, request);
      for (const id of forbidden) logits[id] = Number.NEGATIVE_INFINITY;
      return { token: drawToken(logits, request, uniform) };
    });
  }

  close(cache: KeyValueCache, ids: readonly number[]): void {
    assert.ok(!this.computing && !this.disposed);
    this.opened--;
    this.#inner.close(cache, ids);
  }

  [Symbol.dispose](): void {
    assert.ok(!this.computing);
    this.disposed = true;
    this.#inner[Symbol.dispose]();
  }
}

const request = (prompt: string, more: Partial<GenerationRequest> = {}): GenerationRequest => ({
  prompts: [prompt],
  maxTokens: 12,
  seed: 3,
  choices: 2,
  repetitionPenalty: 1.2,
  ...more,
});

test('answers are those of a decoder that answers at once, wherever tokens are drawn', async () => {
  using plain = new TorchEngine(model, tokenizer);
  const decoder = new SlowDecoder();
  using slow = new LocalEngine({ decoder, tokenizer, template: undefined }, { stepTokens: 4, batchSize: 3 });
  const asked = [
    request('春眠不觉晓'),
    request('千山', { logprobs: 2 }),
    request('静夜思', { echo: true, logprobs: 0 }),
  ];
  const answers = await Promise.all(asked.map((one) => collect(slow.submit(one))));
  for (const [place, one] of asked.entries()) {
    const { sequences, usage } = await collect(plain.submit(one));
    assert.deepEqual(answers[place]!.usage, usage);
    assert.deepEqual(
      answers[place]!.sequences.map(({ text }) => text),
      sequences.map(({ text }) => text),
    );
  }
  assert.ok(decoder.drawn > 0);
  assert.equal(decoder.opened, 0);
});

test('what is given up during a step leaves the batch at once, and its cache when the step has ended', async () => {
  const decoder = new SlowDecoder();
  using engine = new LocalEngine({ decoder, tokenizer, template: undefined }, { batchSize: 2 });
  const abort = new AbortController();
  const given = collect(engine.submit(request('春'), abort.signal));
  const kept = collect(engine.submit(request('秋')));
  while (!decoder.computing) await setImmediate();
  abort.abort();
  assert.deepEqual(engine.occupancy, { running: 1, waiting: 1 });
  assert.equal(decoder.opened, 2);
  await assert.rejects(given, { code: 'INFERENCE_ABORTED' });
  assert.equal((await kept).sequences.length, 2);
  assert.equal(decoder.opened, 0);
});

test('closing during a step waits for it before the decoder goes', async () => {
  const decoder = new SlowDecoder();
  const engine = new LocalEngine({ decoder, tokenizer, template: undefined });
  const running = collect(engine.submit(request('春')));
  while (!decoder.computing) await setImmediate();
  engine.close();
  await assert.rejects(running, { code: 'INFERENCE_CLOSED' });
  assert.ok(!decoder.disposed);
  while (!decoder.disposed) await setImmediate();
  assert.equal(decoder.opened, 0);
});

test('a decoder that fails at the end of a sequence fails the request, and takes the next', async () => {
  const decoder = new SlowDecoder();
  using engine = new LocalEngine({ decoder, tokenizer, template: undefined });
  const close = decoder.close.bind(decoder);
  decoder.close = () => {
    decoder.close = close;
    throw new Error('the device is gone');
  };
  await assert.rejects(collect(engine.submit(request('春', { choices: 1 }))), /the device is gone/);
  assert.equal((await collect(engine.submit(request('春')))).sequences.length, 2);
});
