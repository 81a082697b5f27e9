import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRequest, type GenerationRequest } from './request.ts';
import { DrawScratch } from './sampling/sampling.ts';
import { TokenChoice } from './token-choice.ts';

/** Six tokens; 0 ends, 5 is special and never drawn by itself. */
const vocabulary = { size: 6, ends: new Set([0]), neverDrawn: () => [5] };
const scratch = new DrawScratch(6);

/** The greedy tokens while the model always says the same. */
function answer(logits: number[], request: Partial<GenerationRequest>, prompt: number[] = [], most = 6): number[] {
  const checked = checkRequest({ prompts: [''], temperature: 0, ...request });
  const choice = new TokenChoice({ vocabulary, request: checked, index: 0 }, prompt);
  const ids: number[] = [];
  for (let step = 0; step < most; step++) {
    // Padding behind the vocabulary must not be looked at.
    const id = choice.next(Float32Array.of(...logits, 99), 0, scratch);
    ids.push(id);
    if (choice.ends.has(id)) break;
    choice.push(id, Uint8Array.of(96 + id));
  }
  return ids;
}

test('noRepeatNgramSize forbids what would complete an n-gram of prompt and answer', () => {
  assert.deepEqual(answer([0, 5, 4, 3, 2, 9], { noRepeatNgramSize: 1 }), [1, 2, 3, 4, 0], 'ending is no repetition');
  assert.deepEqual(answer([0, 5, 4, 3, 2, 9], { noRepeatNgramSize: 2 }, [1, 1, 1, 2, 1], 2), [3, 1]);
});

test('before minTokens no token ends the text, and a repeated one is better than none', () => {
  assert.deepEqual(answer([9, 5, 4, 3, 2, 9], {}), [0]);
  assert.deepEqual(answer([9, 5, 4, 3, 2, 9], { minTokens: 2 }), [1, 1, 0]);
  assert.deepEqual(answer([9, 5, 4, 3, 2, 9], { minTokens: 5, noRepeatNgramSize: 1 }), [1, 2, 3, 4, 1, 0]);
});

test('ignoreEnd never draws what ends a document', () => {
  assert.deepEqual(answer([9, 5, 4, 3, 2, 9], { ignoreEnd: true }), [1, 1, 1, 1, 1, 1]);
  assert.deepEqual(
    answer([9, 5, 4, 3, 2, 9], { ignoreEnd: true, stopTokens: [0] }),
    [0],
    'unless it is asked for by name',
  );
});

test('stop tokens end the text, special ones too, and wait for minTokens', () => {
  assert.deepEqual(answer([1, 5, 4, 3, 2, 9], { stopTokens: [5] }), [5]);
  assert.deepEqual(answer([1, 5, 4, 3, 2, 9], { stopTokens: [1, 5], minTokens: 1 }), [2, 5]);
});

test('where every token is an end before its time the text is over, and no other request hears of it', () => {
  assert.deepEqual(answer([1, 5, 4, 3, 2, 9], { stopTokens: [1, 2, 3, 4], minTokens: 3 }), [0]);
});
