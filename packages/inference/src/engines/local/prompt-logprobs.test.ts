import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PromptLogprobs } from './prompt-logprobs.ts';

const known = (length: number, logprob: number) =>
  Array.from({ length }, (_, place) => (place === 0 ? undefined : { logprob, rank: 1, top: [] }));

test('the longest beginning of which enough is known is found', () => {
  const kept = new PromptLogprobs();
  kept.keep([1, 2, 3, 4], 0, known(4, -1));
  kept.keep([1, 2, 5], 2, known(3, -2));
  assert.deepEqual(kept.find([9], 0), []);
  assert.deepEqual(kept.find([1, 2, 3, 9], 0), known(3, -1));
  assert.deepEqual(kept.find([1, 2, 3, 9], 1), known(2, -2));
  assert.deepEqual(kept.find([1, 2, 3, 9], 3), []);
});

test('what is known is bounded, and what was used least recently goes', () => {
  const kept = new PromptLogprobs(100 * 25);
  kept.keep([1, ...Array(9).fill(0)], 0, known(10, -1));
  kept.keep([2, ...Array(9).fill(0)], 0, known(10, -2));
  assert.equal(kept.find([1, 0], 0).length, 2);
  kept.keep([3, ...Array(9).fill(0)], 0, known(10, -3));
  assert.deepEqual(
    [1, 2, 3].map((first) => kept.find([first, 0], 0).length),
    [2, 0, 2],
  );
  kept.keep(Array(30).fill(4), 0, known(30, -4));
  assert.deepEqual(kept.find([4], 0), [], 'too long to be kept');
  assert.equal(kept.find([1], 0).length, 1);
});
