import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { after, test } from 'node:test';
import { noGrad, scope, tensor } from '@tunan/torch';
import { generate } from './generate.ts';
import { checkRequest, type GenerationRequest } from './request.ts';
import { applyPenalties, TokenHistory } from './sampling/penalties.ts';
import { uniformAt } from './sampling/random.ts';
import { drawToken } from './sampling/sampling.ts';
import { CONTEXT_LENGTH, tinyModel, tinyTokenizer } from './testing/tiny-model.ts';

const tokenizer = await tinyTokenizer();
const model = tinyModel('llama');
after(() => model.dispose());

const PROMPTS = ['静夜思\n', '春', '千山鸟飞绝，万径', ''];
const SAMPLED = { temperature: 0.9, topK: 40, topP: 0.95, seed: 17, maxTokens: 20 };

/** Ids of one sequence as the definition says it: the whole sequence through the model for every token, no cache. */
function byDefinition(request: GenerationRequest, prompt: number[], index: number): number[] {
  const checked = checkRequest(request);
  const history = new TokenHistory(prompt, checked.noRepeatNgramSize);
  const answer: number[] = [];
  while (answer.length < checked.maxTokens && prompt.length + answer.length <= CONTEXT_LENGTH) {
    const ids = tensor([[...prompt, ...answer]], { dtype: 'int64' });
    const all = scope(() => noGrad(() => model.logits(model.hidden(ids)).toArray() as Float32Array));
    ids.dispose();
    const last = all.slice(-model.config.vocabularySize).subarray(0, tokenizer.vocabularySize);
    const bytes = Buffer.concat([...prompt, ...answer].map((id) => tokenizer.tokenBytes(id)));
    applyPenalties(last, history, checked);
    for (const repeating of history.repeating())
      if (repeating !== tokenizer.eod) last[repeating] = Number.NEGATIVE_INFINITY;
    for (let id = 0; id < last.length; id++) {
      if (id === tokenizer.eod) continue;
      if (tokenizer.isSpecial(id) || !goesOn(bytes, id)) last[id] = Number.NEGATIVE_INFINITY;
    }
    const id = drawToken(last, checked, uniformAt(checked.seed, index, answer.length));
    if (id === tokenizer.eod) break;
    answer.push(id);
    history.push(id);
  }
  return answer;
}

/** What may be missing at the end of UTF-8: one of these goes on with any beginning of a character. */
const ENDINGS = ['', '80', 'bf', '8080', 'bf80', '808080', 'bf8080'].map((hex) => Buffer.from(hex, 'hex'));

/** Whether the tokens are UTF-8 as far as they go. */
function goesOn(bytes: Buffer, id: number): boolean {
  const longer = Buffer.concat([bytes, tokenizer.tokenBytes(id)]);
  return ENDINGS.some((ending) => isUtf8(Buffer.concat([longer, ending])));
}

/** Whole characters only: the end of a cut one is not shown. */
function shownText(ids: number[]): string {
  const decoder = tokenizer.decodeStream();
  return ids.map((id) => decoder.push(id)).join('');
}

const settings: [string, Partial<GenerationRequest>][] = [
  ['greedy', { temperature: 0, maxTokens: 20 }],
  ['sampled', SAMPLED],
  ['frequencyPenalty', { ...SAMPLED, frequencyPenalty: 1.5 }],
  ['responsePenalty', { ...SAMPLED, responsePenalty: 1.5 }],
  ['noRepeatNgramSize', { temperature: 0, maxTokens: 20, noRepeatNgramSize: 2 }],
  ['repetitionPenalty and minP', { ...SAMPLED, repetitionPenalty: 1.4, minP: 0.1 }],
  ['additive', { ...SAMPLED, additivePresence: 0.5, additiveFrequency: 0.5 }],
];

for (const [name, options] of settings) {
  test(`a batch gives what the definition gives one by one: ${name}`, async () => {
    const request = { ...options, prompts: PROMPTS, choices: 2 };
    const result = await generate(model, tokenizer, request, { batchSize: 3, stepTokens: 4 });
    assert.equal(result.sequences.length, PROMPTS.length * 2);
    result.sequences.forEach(({ text }, index) => {
      const encoded = [...tokenizer.encode(PROMPTS[index >> 1]!)];
      const prompt = encoded.length > 0 ? encoded : [tokenizer.eod];
      assert.equal(text, shownText(byDefinition(request, prompt, index)), `sequence ${index}`);
    });
  });
}

test('the same seed gives the same text, another seed another', async () => {
  const run = async (seed: number) =>
    (await generate(model, tokenizer, { ...SAMPLED, prompts: ['春'], seed })).sequences;
  assert.deepEqual(await run(3), await run(3));
  assert.notDeepEqual(await run(3), await run(4));
});

test('without a seed one is drawn and reported', async () => {
  const { seed: _, ...unseeded } = SAMPLED;
  const first = await generate(model, tokenizer, { ...unseeded, prompts: ['春'] });
  const again = await generate(model, tokenizer, { ...unseeded, prompts: ['春'], seed: first.seed });
  assert.deepEqual(again, first);
});

test('beginDocument puts <eod> before the prompt, and an empty prompt is <eod>', async () => {
  const ids = [tokenizer.eod, ...tokenizer.encode('春')];
  const begun = await generate(model, tokenizer, { ...SAMPLED, prompts: ['春', ''], beginDocument: true });
  const given = await generate(model, tokenizer, { ...SAMPLED, prompts: [ids, [tokenizer.eod]] });
  assert.deepEqual(begun, given);
});

test('a special token written in a prompt is text, and passing its id is the way to mean it', async () => {
  const written = await generate(model, tokenizer, { ...SAMPLED, prompts: ['春<eod>'], maxTokens: 1 });
  const asText = tokenizer.encode('春<eod>', { specials: false }).length;
  assert.equal(written.usage.promptTokens, asText);
  assert.ok(asText > tokenizer.encode('春<eod>').length);
});

test('special tokens other than <eod> and padding are never drawn; <eod> ends the text', async () => {
  const logitBias = new Map([...tokenizer.encode('<unk><sep><pad><mask>')].map((id) => [id, 100]));
  const biased = await generate(model, tokenizer, { ...SAMPLED, prompts: ['春'], logitBias, logprobs: 0 });
  assert.ok(biased.sequences[0]!.tokens.every(({ id }) => id! < tokenizer.vocabularySize && !tokenizer.isSpecial(id!)));
  const ended = await generate(model, tokenizer, {
    ...SAMPLED,
    prompts: ['春'],
    logitBias: new Map([[tokenizer.eod, 100]]),
  });
  assert.deepEqual(ended.sequences, [{ text: '', tokens: [], finishReason: 'stop' }]);
  assert.deepEqual(ended.usage, { promptTokens: tokenizer.encode('春').length, cachedTokens: 0, completionTokens: 1 });
});

test('the text ends before a stop string, and streaming shows no part of it', async () => {
  const request = { ...SAMPLED, prompts: ['春'], maxTokens: 40 };
  const free = (await generate(model, tokenizer, request)).sequences[0]!.text;
  for (let start = 1; start + 2 <= free.length; start++) {
    const stop = free.slice(start, start + 2).toWellFormed();
    if (stop.includes('\ufffd')) continue;
    const shown: string[] = [];
    const onChunk = ({ text }: { text: string }) => shown.push(text);
    const result = await generate(model, tokenizer, { ...request, stop: [stop] }, { onChunk });
    const expected = free.slice(0, free.indexOf(stop));
    assert.deepEqual(result.sequences[0], { text: expected, tokens: [], finishReason: 'stop' });
    assert.equal(shown.join(''), expected);
  }
});

test('maxTokens and the context end the text with length', async () => {
  const noEnd = new Map([[tokenizer.eod, -100]]);
  const prompt = [...tokenizer.encode('床前明月光')];
  const request = { ...SAMPLED, prompts: [prompt], logitBias: noEnd };
  const short = await generate(model, tokenizer, { ...request, maxTokens: 5 });
  assert.deepEqual([short.usage.completionTokens, short.sequences[0]?.finishReason], [5, 'length']);
  const full = await generate(model, tokenizer, { ...request, maxTokens: 1000 });
  // The last position predicts one token more, which is never fed.
  assert.deepEqual(full.usage.completionTokens, CONTEXT_LENGTH - prompt.length + 1);
  assert.equal(full.sequences[0]?.finishReason, 'length');
  const none = await generate(model, tokenizer, { ...request, maxTokens: 0 });
  assert.deepEqual(none.sequences, [{ text: '', tokens: [], finishReason: 'length' }]);
});

test('a prompt as long as the context is taken, a longer one is refused with both numbers', async () => {
  const fits = new Array<number>(CONTEXT_LENGTH).fill(9);
  const result = await generate(model, tokenizer, {
    prompts: [fits],
    maxTokens: 4,
    logitBias: new Map([[tokenizer.eod, -100]]),
  });
  assert.equal(result.usage.completionTokens, 1);
  await assert.rejects(generate(model, tokenizer, { prompts: [[...fits, 9]] }), {
    code: 'INFERENCE_PROMPT_TOO_LONG',
    message: `the prompt has ${CONTEXT_LENGTH + 1} tokens, but the context of the model is ${CONTEXT_LENGTH}: shorten the prompt`,
  });
});

test('bad options are named with their value and range', async () => {
  const refused = async (options: Partial<GenerationRequest>, message: RegExp) =>
    await assert.rejects(generate(model, tokenizer, { prompts: ['春'], ...options }), {
      code: 'INFERENCE_BAD_OPTION',
      message,
    });
  await refused({ temperature: -1 }, /^temperature is -1; it must be from 0 to 100$/);
  await refused({ topP: Number.NaN }, /^topP is NaN/);
  await refused({ maxTokens: 1.5 }, /^maxTokens is 1.5; it must be an integer >= 0$/);
  await refused({ seed: 2 ** 65 }, /^seed is \d+; it must be an integer of at most 64 bits$/);
  await refused(
    { logitBias: new Map([[tokenizer.vocabularySize, 1]]) },
    /^logit_bias has the token id 280; ids of this/,
  );
  await refused({ stop: [''] }, /^stop is ""; it must be non-empty texts$/);
  await refused({ prompts: [] }, /at least one prompt/);
  await refused({ prompts: [[tokenizer.vocabularySize]] }, /token id 280; ids of this model go from 0 to 279$/);
});

test('echo with logprobs reports the prompt as the loss of the model has it', async () => {
  const prompt = '床前明月光，疑是';
  const ids = [...tokenizer.encode(prompt)];
  const request = { prompts: [prompt], maxTokens: 3, temperature: 0, echo: true, logprobs: 2 };
  const { sequences } = await generate(model, tokenizer, request, { stepTokens: 16 });
  const { text, tokens } = sequences[0]!;
  assert.ok(text.startsWith(prompt) && text.length > prompt.length);
  assert.deepEqual(
    tokens.slice(0, ids.length).map(({ id }) => id),
    ids,
  );
  assert.equal(tokens[0]!.logprob, undefined);
  const losses = scope(() => {
    const x = tensor([ids.slice(0, -1)], { dtype: 'int64' });
    const y = tensor([ids.slice(1)], { dtype: 'int64' });
    return noGrad(() => model.tokenLosses(x, y).toArray());
  });
  tokens.slice(1, ids.length).forEach(({ logprob }, i) => {
    assert.ok(Math.abs(logprob! + Number(losses[i])) < 1e-4, `token ${i + 1}: ${logprob} and ${losses[i]}`);
  });
  for (const { id, logprob, alternatives } of tokens.slice(ids.length)) {
    assert.equal(alternatives.length, 2);
    assert.ok(alternatives[0]!.logprob >= alternatives[1]!.logprob);
    const first = alternatives[0]!;
    // What comes first may be a token that is never drawn: special, or bytes that would make no character here.
    if (first.id === id) assert.equal(first.logprob, logprob);
    else assert.ok(tokenizer.isSpecial(first.id!) || first.text.startsWith('bytes:'), first.text);
  }
  for (const { text: own, offset } of tokens) if (!own.startsWith('bytes:')) assert.ok(text.startsWith(own, offset));
});

test('echo alone puts the prompt in front, and needs no computation without tokens to make', async () => {
  const request = { ...SAMPLED, prompts: ['春'] };
  const plain = await generate(model, tokenizer, request);
  const echoed = await generate(model, tokenizer, { ...request, echo: true, stop: ['春'] });
  assert.ok(echoed.sequences[0]!.text.startsWith('春'), 'a stop string in the prompt does not count');
  assert.equal(
    (await generate(model, tokenizer, { ...request, echo: true })).sequences[0]!.text,
    `春${plain.sequences[0]!.text}`,
  );
  const nothing = await generate(model, tokenizer, { ...request, echo: true, maxTokens: 0 });
  assert.deepEqual(nothing.sequences, [{ text: '春', tokens: [], finishReason: 'length' }]);
});

test('maxTokens 0 with echo and logprobs scores a prompt', async () => {
  const request = { prompts: ['床前明月光'], maxTokens: 0, echo: true, logprobs: 0 };
  const { sequences, usage } = await generate(model, tokenizer, request);
  assert.equal(sequences[0]!.text, '床前明月光');
  assert.equal(sequences[0]!.tokens.length, usage.promptTokens);
  assert.equal(usage.completionTokens, 0);
});

test('tokens behind a stop string are not reported', async () => {
  const request = { ...SAMPLED, prompts: ['春'], maxTokens: 30, logprobs: 0 };
  const free = (await generate(model, tokenizer, request)).sequences[0]!;
  const stop = free.text.slice(2, 4);
  const cut = (await generate(model, tokenizer, { ...request, stop: [stop] })).sequences[0]!;
  assert.ok(cut.tokens.length > 0);
  assert.deepEqual(
    cut.tokens,
    free.tokens.filter(({ offset }) => offset < cut.text.length),
  );
});

test('the drawn <eod> is reported like every token that the usage counts', async () => {
  const prompt = [...tokenizer.encode('春眠')];
  const logitBias = new Map([[tokenizer.eod, 100]]);
  const request = { prompts: [prompt], maxTokens: 1, echo: true, logprobs: 1, logitBias, temperature: 0 };
  const chunks: number[] = [];
  const onChunk = ({ tokens }: { tokens: readonly unknown[] }) => chunks.push(tokens.length);
  const { sequences, usage } = await generate(model, tokenizer, request, { onChunk });
  const { text, tokens, finishReason } = sequences[0]!;
  assert.deepEqual([text, finishReason, usage.completionTokens], ['春眠', 'stop', 1]);
  assert.equal(tokens.length, prompt.length + 1);
  assert.equal(
    chunks.reduce((sum, count) => sum + count),
    tokens.length,
  );
  const end = tokens.at(-1)!;
  assert.deepEqual([end.id, end.text, end.offset], [tokenizer.eod, '<eod>', text.length]);
  assert.ok(end.logprob! < 0);
});

test('prompt and answer are one text where a character spans both', async () => {
  const bytes = [...Buffer.from('褎')].map((byte) => tokenOfByte(byte));
  const [first, second, third] = bytes as [number, number, number];
  const force = new Map([[third, 100]]);
  const prompt = [...tokenizer.encode('春'), first, second];
  const request = { prompts: [prompt], maxTokens: 1, logitBias: force, temperature: 0, logprobs: 0 };
  const whole = await generate(model, tokenizer, { ...request, echo: true });
  assert.equal(whole.sequences[0]!.text, '春褎');
  assert.equal(whole.sequences[0]!.tokens.length, prompt.length + 1);
  const alone = await generate(model, tokenizer, request);
  assert.deepEqual([alone.sequences[0]!.text, alone.sequences[0]!.tokens[0]!.offset], ['褎', 0]);
  const nothing = await generate(model, tokenizer, { ...request, echo: true, maxTokens: 0 });
  assert.equal(nothing.sequences[0]!.text, '春', 'half a character is not shown');
});

test('no text is malformed, however unlikely the bytes that make it whole', async () => {
  const halves = Array.from({ length: 0x80 }, (_, i) => tokenOfByte(0x80 + i));
  const logitBias = new Map(halves.map((id) => [id, 100]));
  const request = { prompts: ['春', '', [tokenOfByte(0xe6)]], choices: 6, maxTokens: 30, seed: 4, logitBias };
  for (const { text } of (await generate(model, tokenizer, request)).sequences) {
    assert.ok(text.length > 0 && !text.includes('\ufffd'), JSON.stringify(text));
  }
});

/** The token that is one byte. */
function tokenOfByte(byte: number): number {
  for (let id = 0; id < tokenizer.vocabularySize; id++) {
    const bytes = tokenizer.tokenBytes(id);
    if (bytes.length === 1 && bytes[0] === byte) return id;
  }
  throw new Error(`no token for the byte ${byte}`);
}

test('minTokens, ignoreEnd, includeStop: how a text ends', async () => {
  const base = { prompts: ['春'], seed: 3, maxTokens: 12 };
  const biased = { ...base, logitBias: new Map([[tokenizer.eod, 100]]) };
  const ended = await generate(model, tokenizer, biased);
  assert.deepEqual([ended.usage.completionTokens, ended.sequences[0]!.finishReason], [1, 'stop']);
  const longer = await generate(model, tokenizer, { ...biased, minTokens: 4 });
  assert.deepEqual([longer.usage.completionTokens, longer.sequences[0]!.finishReason], [5, 'stop']);
  const endless = await generate(model, tokenizer, { ...biased, ignoreEnd: true });
  assert.deepEqual([endless.usage.completionTokens, endless.sequences[0]!.finishReason], [12, 'length']);

  const { text } = endless.sequences[0]!;
  const stop = [text.slice(1, 3)];
  const shown = async (request: Partial<GenerationRequest>) =>
    (await generate(model, tokenizer, { ...biased, ignoreEnd: true, stop, ...request })).sequences[0]!.text;
  assert.equal(await shown({}), text.slice(0, text.indexOf(stop[0]!)));
  assert.equal(await shown({ includeStop: true }), text.slice(0, text.indexOf(stop[0]!) + 2));
  assert.ok((await shown({ minTokens: 10 })).length > text.indexOf(stop[0]!) + 2, 'a stop string waits for minTokens');
});

test('log-probabilities of the prompt alone are those of echo', async () => {
  const base = { prompts: ['静夜思'], seed: 3, maxTokens: 2 };
  const echoed = await generate(model, tokenizer, { ...base, echo: true, logprobs: 2 });
  const apart = await generate(model, tokenizer, { ...base, promptLogprobs: 2 });
  const [whole, split] = [echoed.sequences[0]!, apart.sequences[0]!];
  assert.deepEqual(split.promptTokens, whole.tokens.slice(0, split.promptTokens!.length));
  assert.equal(`静夜思${split.text}`, whole.text);
  assert.deepEqual(split.tokens, [], 'the answer is not reported');
  for (const { rank, logprob, alternatives } of split.promptTokens!.slice(1)) {
    assert.equal(rank === 1, logprob === alternatives[0]!.logprob);
    assert.equal(
      rank! <= 2,
      alternatives.some((other) => other.logprob === logprob),
    );
  }
});
