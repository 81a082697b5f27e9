import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyPenalties, type PenaltyOptions, TokenHistory } from './penalties.ts';

const OFF: PenaltyOptions = {
  frequencyPenalty: 1,
  responsePenalty: 1,
  noRepeatNgramSize: 0,
  repetitionPenalty: 1,
  additivePresence: 0,
  additiveFrequency: 0,
  logitBias: new Map(),
};

/** The logits [4, 4, -4, 0, 2] after prompt and answer under the given options. */
function penalized(prompt: number[], generated: number[], options: Partial<PenaltyOptions>): number[] {
  const logits = Float32Array.of(4, 4, -4, 0, 2);
  const merged = { ...OFF, ...options };
  const history = new TokenHistory(prompt, merged.noRepeatNgramSize);
  for (const id of generated) history.push(id);
  applyPenalties(logits, history, merged);
  return [...logits];
}

test('all off leaves the logits alone', () => {
  assert.deepEqual(penalized([1, 2], [1, 2, 3, 1], {}), [4, 4, -4, 0, 2]);
});

test('frequencyPenalty: l / p or l * p with p = penalty ^ count, over generated tokens', () => {
  // token 1 twice: 4 / 2^2; token 2 once: -4 * 2; token 3 once: 0 stays; token 4 only in the prompt: untouched
  assert.deepEqual(penalized([4, 4], [1, 2, 3, 1], { frequencyPenalty: 2 }), [4, 1, -8, 0, 2]);
});

test('repetitionPenalty: l / p or l * p once, over prompt and answer', () => {
  assert.deepEqual(penalized([4, 4], [1, 2, 3, 1], { repetitionPenalty: 2 }), [4, 2, -8, 0, 1]);
});

test('responsePenalty caps the count at 1', () => {
  assert.deepEqual(penalized([4], [1, 2, 3, 1], { responsePenalty: 2 }), [4, 2, -8, 0, 2]);
});

test('responsePenalty is ignored while frequencyPenalty is above 1', () => {
  assert.deepEqual(penalized([], [1, 1], { frequencyPenalty: 2, responsePenalty: 100 }), [4, 1, -4, 0, 2]);
});

test('penalties of at most 1 are off', () => {
  assert.deepEqual(penalized([], [1, 1], { frequencyPenalty: 0.5, responsePenalty: 0 }), [4, 4, -4, 0, 2]);
});

test('the additive penalties are those of OpenAI', () => {
  const options = { additivePresence: 0.5, additiveFrequency: 0.25 };
  assert.deepEqual(penalized([4], [1, 1, 1, 2], options), [4, 4 - 3 * 0.25 - 0.5, -4 - 0.25 - 0.5, 0, 2]);
});

test('a bias is added before the penalties, ids outside of the vocabulary are ignored', () => {
  const logitBias = new Map([
    [1, 4],
    [99, 1],
  ]);
  assert.deepEqual(penalized([], [1], { logitBias, frequencyPenalty: 2 }), [4, 4, -4, 0, 2]);
});

test('a huge power stays finite for a logit of 0', () => {
  const generated = new Array<number>(1000).fill(3);
  assert.equal(penalized([], generated, { frequencyPenalty: 100 })[3], 0);
});

test('property: forbidden are exactly the followers that brute force finds', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 30 }),
      fc.integer({ min: 1, max: 4 }),
      (prompt, generated, size) => {
        const history = new TokenHistory(prompt, size);
        for (const id of generated) history.push(id);
        const all = [...prompt, ...generated];
        const expected = new Set<number>();
        if (all.length >= size - 1) {
          const tail = all.slice(all.length - (size - 1)).join();
          for (let i = 0; i + size <= all.length; i++) {
            if (all.slice(i, i + size - 1).join() === tail) expected.add(all[i + size - 1]!);
          }
        }
        assert.deepEqual(new Set(history.repeating()), expected);
      },
    ),
  );
});
