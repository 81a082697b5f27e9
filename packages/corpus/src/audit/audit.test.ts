import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { buildCorpus } from '../build.ts';
import { recipeOf } from '../testing/recipe-of.ts';
import { Audit } from './audit-corpus.ts';
import { sampleDocuments } from './sample-documents.ts';
import { ratedShares } from './share-interval.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-audit-'));
after(() => rmSync(folder, { recursive: true }));

const lines = Array.from({ length: 500 }, (_, n) => JSON.stringify({ text: `第${n}篇。` }));
writeFileSync(join(folder, 'a.jsonl'), lines.join('\n'));
const corpus = join(folder, 'corpus');
const recipe = recipeOf([], { split: { validation: 0.1, test: 0.1, seed: 1 } });
await buildCorpus(recipe, { out: corpus, base: folder });

test('a sample is a fixed random choice, and a smaller one is the beginning of a larger one', async () => {
  const [small, large, other] = await Promise.all([
    sampleDocuments(corpus, 5, 1),
    sampleDocuments(corpus, 40, 1),
    sampleDocuments(corpus, 40, 2),
  ]);
  assert.deepEqual(small, large.slice(0, 5));
  assert.equal(new Set(large.map(({ id }) => id)).size, 40);
  assert.notDeepEqual(other, large);
  assert.equal((await sampleDocuments(corpus, 1000, 1)).length, 500);
});

test('rating on the page: the next document, back, resumed by the next audit, complete at the last', async () => {
  const audit = await Audit.open(corpus, { sample: 3 });
  const address = await audit.listen();
  const ask = async (path: string, body?: unknown) => {
    const request = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const answer = await fetch(new URL(path, address), request);
    return {
      status: answer.status,
      value: answer.headers.get('content-type')!.includes('json') ? await answer.json() : await answer.text(),
    };
  };
  assert.match((await ask('')).value as string, /<!doctype html>/);
  assert.equal((await fetch(new URL('/state', address))).status, 404, 'the address cannot be guessed');
  const first = (await ask('state')).value as { index: number; document: { text: string } };
  assert.equal(first.index, 0);
  const second = (await ask('rate', { index: 0, rating: 'good' })).value as { index: number; rated: number };
  assert.deepEqual([second.index, second.rated], [1, 1]);
  assert.equal((await ask('rate', { index: 9, rating: 'good' })).status, 400);
  assert.equal((await ask('rate', { index: 1, rating: 'fine' })).status, 400);
  const back = (await ask('state?index=0')).value as { rating: string };
  assert.equal(back.rating, 'good');
  await ask('rate', { index: 0, rating: 'bad' }); // changed one's mind
  const waiting = new AbortController();
  const left = audit.wait(waiting.signal);
  waiting.abort();
  await left;
  await audit.close();
  assert.deepEqual(audit.result.counts, { good: 0, poor: 0, bad: 1 });

  const again = await Audit.open(corpus, { sample: 3 });
  assert.equal(again.result.rated, 1);
  const page = await again.listen();
  const done = again.wait(new AbortController().signal);
  for (const index of [1, 2])
    await fetch(new URL('rate', page), { method: 'POST', body: JSON.stringify({ index, rating: 'good' }) });
  await done;
  await again.close();
  assert.equal(again.isComplete, true);
  assert.deepEqual(again.result.counts, { good: 2, poor: 0, bad: 1 });
  assert.equal(readFileSync(again.result.ratings, 'utf8').split('\n').length, 5);
});

test('shares carry their intervals; nothing rated says nothing', () => {
  const of = (good: number, rated: number) =>
    ratedShares({ sample: rated, rated, counts: { good, poor: 0, bad: rated - good }, ratings: '' })[0]!.interval;
  const close = (value: number, expected: number) =>
    assert.ok(Math.abs(value - expected) < 1e-9, `${value} ${expected}`);
  const ninety = of(180, 200);
  close(ninety.low, 0.8505941875672826);
  close(ninety.high, 0.9343295513309041);
  assert.deepEqual(of(0, 0), { low: 0, high: 1 });
  assert.equal(of(0, 10).low, 0);
});

test('a file of ratings that is damaged is named', async () => {
  const ratings = join(folder, 'ratings.jsonl');
  writeFileSync(ratings, '{"id":"a","rating":"good"}\n{"id":"b"}\n');
  await assert.rejects(Audit.open(corpus, { ratings }), {
    code: 'CORPUS_MALFORMED_LINE',
    message: /ratings\.jsonl:2: no rating/,
  });
});
