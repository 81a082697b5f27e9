import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { LocalScorer } from '@tunan/evaluation';
import { setThreads } from '@tunan/torch';
import { type Golden, goldenModel, goldenRequests, goldenTokenizer, readGolden } from './evaluation-requests.ts';

setThreads(1);
const TOLERANCE = 1e-4;

async function compare(set: keyof Golden['sets'], directory: string): Promise<Record<string, number>> {
  const golden = readGolden().sets[set];
  using model = goldenModel();
  const scorer = new LocalScorer(model, goldenTokenizer(), { identity: 'golden' });
  const requests = goldenRequests(directory, model);
  const scores = await scorer.score(requests.map(({ request }) => request));
  const found = new Map<string, { keys: string[]; values: number[] }>();
  requests.forEach(({ task, key }, i) => {
    const own = found.get(task) ?? { keys: [], values: [] };
    found.set(task, own);
    own.keys.push(key);
    own.values.push(...scores[i]!.map(({ logprob }) => logprob));
  });
  assert.deepEqual([...found.keys()], Object.keys(golden));
  for (const [task, { keys, values }] of found) {
    assert.deepEqual(keys, golden[task]!.keys, `${task}: the prompts have changed; run tests/golden/evaluation-write.ts`);
    const expected = new Float64Array(Uint8Array.from(Buffer.from(golden[task]!.logLikelihoods, 'base64')).buffer);
    assert.equal(values.length, expected.length);
    values.forEach((value, i) => {
      const error = Math.abs(value - expected[i]!);
      assert.ok(error <= TOLERANCE, `${task}, candidate ${i}: ${value} is not ${expected[i]} (${error})`);
    });
  }
  return Object.fromEntries([...found].map(([task, { keys }]) => [task, keys.length]));
}

test("log-likelihoods are those of Hugging Face transformers on the fixture's examples", async () => {
  const counts = await compare('fixture', path.resolve(import.meta.dirname, '../fixtures/fewclue'));
  assert.equal(Object.keys(counts).length, 9);
  assert.ok(Object.values(counts).every((count) => count >= 20));
});

const shared = path.resolve(import.meta.dirname, '../../../shared/data/fewclue');

test('and on 200 examples of every task of FewCLUE', {
  skip: existsSync(shared) ? false : '../shared/data is absent',
}, async () => {
  const counts = await compare('shared', shared);
  assert.deepEqual([...new Set(Object.values(counts))], [200]);
});
