import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Scorer } from '../scoring/scorer.ts';
import type { OpenedModel } from './opened-model.ts';
import { runSuite, scoreShard } from './run-suite.ts';
import { clueSuite, poemSuite } from './suite.ts';

const data = path.resolve(import.meta.dirname, '../../../../tests/fixtures/fewclue');

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-suite-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Finds short texts likely, and counts what it is asked and whether it is open. */
class Opened {
  requests = 0;
  opened = 0;
  disposed = 0;
  readonly #scorer: Scorer = {
    identity: 'prefers short texts',
    contextLength: 10_000,
    countTokens: (text) => text.length,
    score: async (requests, options) => {
      this.requests += requests.length;
      options?.onProgress?.(requests.length, requests.length);
      return requests.map(({ candidates }) =>
        candidates.map(({ scored }) => ({ logprob: -scored.length, tokens: scored.length })),
      );
    },
  };

  readonly open = (): OpenedModel => {
    this.opened++;
    return { name: 'short', scorer: this.#scorer, [Symbol.dispose]: () => this.disposed++ };
  };
}

test('tasks by name and by file; unknown ones and one that is there twice are told', async () => {
  const { tasks } = await clueSuite('zeroclue', data, ['csl', 'tnews']);
  assert.deepEqual(
    tasks.map(({ name }) => name),
    ['csl', 'tnews'],
  );
  assert.equal((await clueSuite('fewclue', data)).tasks.length, 9);
  const refused = (chosen: string[], message: RegExp) =>
    assert.rejects(clueSuite('zeroclue', data, chosen), { code: 'EVALUATION_UNKNOWN_TASK', message });
  await refused(['nothing'], /unknown task 'nothing'; known: eprstmt, /);
  await refused(['csl', 'csl'], /the task csl is there twice/);
});

test('a suite is run, told of while it runs, written, and not scored again', async (t) => {
  const out = temporaryDirectory(t);
  const model = new Opened();
  const seen: string[] = [];
  const options = { out, settings: { limit: 5 }, described: { dtype: 'float32' }, ablate: true, submit: true };
  const suite = await clueSuite('zeroclue', data, ['eprstmt', 'chid']);
  const results = await runSuite(suite, model.open, {
    ...options,
    keepSamples: true,
    onProgress: ({ task, done, total }) => done === total && seen.push(task.name),
  });
  assert.deepEqual([...new Set(seen)], ['eprstmt', 'chid']);
  assert.deepEqual([model.opened, model.disposed], [1, 1]);
  const { evaluation, summary, submission } = results;
  assert.deepEqual(evaluation.model, { name: 'short', identity: 'prefers short texts' });
  assert.deepEqual(
    [evaluation.settings.shots, evaluation.settings.tune, evaluation.settings.dtype],
    [0, false, 'float32'],
  );
  assert.equal(evaluation.ablation!.length, 4);
  assert.deepEqual(
    summary.tasks.map(({ examples }) => examples),
    [5, 5],
  );
  for (const name of ['results.json', 'predictions.jsonl', 'report.html', 'samples.jsonl', path.basename(submission!)])
    assert.ok(existsSync(path.join(out, name)), name);
  const asked = model.requests;
  const again = await runSuite(suite, model.open, options);
  assert.equal(model.requests, asked);
  assert.deepEqual(again.summary, summary);
});

test('shards fill the cache between them; fewclue shows four solved examples where nobody says otherwise', async (t) => {
  const out = temporaryDirectory(t);
  const suite = await clueSuite('fewclue', data, ['bustm']);
  const options = { out, settings: { limit: 6, splits: [0], shots: undefined } };
  const shards = new Opened();
  for (const index of [0, 1]) await scoreShard(suite, shards.open, { index, count: 2 }, options);
  const model = new Opened();
  const { evaluation } = await runSuite(suite, model.open, options);
  assert.deepEqual([shards.requests, model.requests], [6, 0]);
  assert.equal(evaluation.settings.shots, 4);
  assert.equal(evaluation.results[0]!.runs[0]!.shots, 4);
});

test('what is wrong with the data is found before the model is opened', async (t) => {
  const out = path.join(temporaryDirectory(t), 'out');
  const model = new Opened();
  const missing = await clueSuite('zeroclue', path.join(data, 'nowhere'), ['csl']);
  await assert.rejects(runSuite(missing, model.open, { out }), { code: 'EVALUATION_MISSING_DATA' });
  assert.equal(model.opened, 0);
  assert.equal(existsSync(out), false);
});

test('poems: which line follows', async (t) => {
  const poems = Array.from(
    { length: 12 },
    (_, i) => `题${i}\n春来见山色${i % 10}\n秋去无人问${i % 10}\n夏声几处同${i % 10}`,
  );
  const { summary } = await runSuite(poemSuite(poems), new Opened().open, { out: temporaryDirectory(t) });
  assert.equal(summary.tasks[0]!.random, 0.25);
});
