import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { generate } from '../generate.ts';
import type { GenerationRequest } from '../request.ts';
import { tinyModel, tinyTokenizer } from '../testing/tiny-model.ts';
import { type AnswerConstraint, ConstraintCompiler } from './compile-constraint.ts';

const tokenizer = await tinyTokenizer();
const model = tinyModel();
after(() => model.dispose());

const vocabulary = {
  size: tokenizer.vocabularySize,
  tokenBytes: (id: number) => tokenizer.tokenBytes(id),
  isText: (id: number) => tokenizer.hasToken(id) && !tokenizer.isSpecial(id),
};
const compiler = new ConstraintCompiler(vocabulary);

const SCHEMA = {
  type: 'object',
  properties: { 诗人: { enum: ['李白', '王维'] }, 句数: { type: 'integer', minimum: 1, maximum: 8 } },
  required: ['诗人', '句数'],
};

async function answer(constraint: AnswerConstraint, request: Partial<GenerationRequest> = {}) {
  const result = await generate(model, tokenizer, { prompts: ['春'], maxTokens: 47, seed: 1, constraint, ...request });
  return result.sequences[0]!;
}

/** Whether the bytes lead on to some text of the constraint, asked byte by byte. */
function leadsOn(constraint: AnswerConstraint, bytes: Uint8Array): boolean {
  const compiled = compiler.compile(constraint);
  return compiled.after(compiled.start, bytes) !== null;
}

test('masks are what trying every token says, in characters of several bytes too', () => {
  const asked: AnswerConstraint = { kind: 'regex', pattern: '[床前明月光]{1,3}[，。]?(?:\\n[春-秋]+)?' };
  const constraint = compiler.compile(asked);
  for (const text of ['', '床', '床前，', '床前，\n', '床前，\n春']) {
    const bytes = Buffer.from(text);
    // Between the bytes of a character too.
    for (let length = bytes.length; length > Math.max(-1, bytes.length - 3); length--) {
      const before = bytes.subarray(0, length);
      const state = constraint.after(constraint.start, before)!;
      const logits = new Float32Array(tokenizer.vocabularySize);
      constraint.apply(state, logits);
      for (let id = 0; id < logits.length; id++) {
        const expected: boolean =
          vocabulary.isText(id) && leadsOn(asked, Buffer.concat([before, tokenizer.tokenBytes(id)]));
        assert.equal(logits[id] === 0, expected, `${JSON.stringify(text)} ${length} ${id}`);
      }
    }
  }
});

test('whatever the seed, an answer that ends is JSON that satisfies the schema', async () => {
  const isValid = new Ajv2020().compile(SCHEMA);
  let ended = 0;
  for (let seed = 0; seed < 12; seed++) {
    const { text, finishReason } = await answer({ kind: 'json', schema: SCHEMA }, { seed, temperature: 1.5 });
    if (finishReason === 'stop') {
      ended++;
      assert.ok(isValid(JSON.parse(text)), text);
    }
    assert.ok(leadsOn({ kind: 'json', schema: SCHEMA }, Buffer.from(text)), text);
  }
  assert.ok(ended >= 6, `${ended} answers ended`);
});

test('a greedy answer takes the likeliest of the tokens that are allowed, and is over where nothing can follow', async () => {
  const asked: AnswerConstraint = { kind: 'choice', texts: ['明月', '明月光', '故乡'] };
  const compiled = compiler.compile(asked);
  const logprobs = tokenizer.vocabularySize;
  const { text, tokens, finishReason } = await answer(asked, { temperature: 0, logprobs });
  assert.ok(asked.texts.includes(text));
  assert.equal(finishReason, 'stop');
  let state = compiled.start;
  for (const { id, logprob, alternatives } of tokens) {
    const logits = new Float32Array(tokenizer.vocabularySize);
    compiled.apply(state, logits);
    const isAllowed = (other: number) => (tokenizer.ends.has(other) ? state.accepts : logits[other] === 0);
    const best = Math.max(...alternatives.filter((other) => isAllowed(other.id!)).map((other) => other.logprob));
    assert.ok(isAllowed(id!) && logprob === best);
    if (!tokenizer.ends.has(id!)) state = compiled.after(state, tokenizer.tokenBytes(id!))!;
  }
});

test('max_tokens ends inside with length, and less than minTokens is enough where nothing more fits', async () => {
  const long: AnswerConstraint = { kind: 'regex', pattern: '月{200}' };
  const cut = await answer(long, { maxTokens: 5 });
  assert.equal(cut.finishReason, 'length');
  assert.match(cut.text, /^月*$/);
  const short = await answer({ kind: 'choice', texts: ['月'] }, { minTokens: 30, ignoreEnd: true });
  assert.deepEqual([short.text, short.finishReason], ['月', 'stop']);
});

test('stop strings, minTokens and no n-gram twice go with a constraint', async () => {
  const months: AnswerConstraint = { kind: 'regex', pattern: '[日月]+' };
  const stopped = await answer(months, { stop: ['月'], seed: 4 });
  assert.match(stopped.text, /^日*$/);
  const longer = await answer(months, { minTokens: 20, maxTokens: 30 });
  assert.ok(longer.text.length >= 20 / 3 && /^[日月]+$/.test(longer.text));
  const varied = await answer({ kind: 'regex', pattern: '月{9}' }, { noRepeatNgramSize: 1 });
  assert.equal(varied.text, '月'.repeat(9), 'a repetition is better than nothing');
});

test('what cannot be had is told before anything is computed', async () => {
  const refused: [AnswerConstraint, RegExp][] = [
    [{ kind: 'json', schema: { type: 'integer', minimum: 2, maximum: 1 } }, /no text at all/],
    [{ kind: 'regex', pattern: '(' }, /at character 1: a group is not closed/],
    [{ kind: 'choice', texts: [] }, /nothing to choose from/],
    [{ kind: 'grammar', source: 'root ::= x' }, /no rule x/],
  ];
  for (const [constraint, message] of refused) {
    await assert.rejects(answer({ ...constraint, option: 'response_format' }), { option: 'response_format', message });
  }
  const half = [...tokenizer.encode('春', { specials: false })].slice(0, 1);
  assert.ok(tokenizer.tokenBytes(half[0]!).length < 3);
  await assert.rejects(answer({ kind: 'json-object' }, { prompts: [half] }), { message: /inside of a character/ });
  const poor = new ConstraintCompiler({ size: 3, tokenBytes: (id) => Uint8Array.of(97 + id), isText: () => true });
  assert.throws(() => poor.compile({ kind: 'choice', texts: ['abd'] }), { message: /no token for the byte 0x64/ });
});
