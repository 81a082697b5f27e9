import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { readRunLog } from './run/run-log.ts';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from './testing/tiny-corpus.ts';
import { type TaskSuites, train } from './train.ts';

/** What a program gives that knows one suite. */
const knowing = (open: TaskSuites['open']): TaskSuites => ({ names: ['zeroclue', 'poems'], open });

const evaluateEvery = {
  steps: 4,
  suite: 'zeroclue',
  data: 'somewhere',
  tasks: ['tnews'],
  limit: 5,
};

test('tasks are scored every so many steps and at the end, and change no number of the run', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], { steps: 10, threads: 1 });
  const plain = path.join(directory, 'plain');
  const scored = path.join(directory, 'scored');
  await train({ recipe, directory: plain });
  let opened: unknown;
  let calls = 0;
  const result = await train({
    recipe: { ...recipe, evaluateEvery },
    directory: scored,
    tasks: knowing(async (request) => {
      opened = request;
      return async (model) => {
        assert.ok(model.config.layers > 0);
        return { tnews: ++calls / 10 };
      };
    }),
  });
  assert.deepEqual(opened, { ...evaluateEvery, data: path.resolve('somewhere') });
  const log = (run: string) => readRunLog(path.join(run, 'log.jsonl'));
  assert.deepEqual(
    log(scored).flatMap(({ step, tasks }) => (tasks === undefined ? [] : [[step, tasks.tnews]])),
    [
      [4, 0.1],
      [8, 0.2],
      [10, 0.3],
    ],
  );
  assert.deepEqual(
    log(scored).map(({ loss }) => loss),
    log(plain).map(({ loss }) => loss),
  );
  assert.deepEqual(result.lastLine?.tasks, { tnews: 0.3 });
});

test('a recipe with tasks needs a program that scores them, and is refused before anything is written', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], { steps: 2, evaluateEvery });
  const run = path.join(directory, 'run');
  await assert.rejects(train({ recipe, directory: run }), { code: 'TRAINING_BAD_RECIPE', message: /evaluateEvery/ });
  assert.equal(existsSync(run), false);
  const tasks = knowing(() => Promise.reject(new Error('no such data')));
  await assert.rejects(train({ recipe, directory: run, tasks }), /no such data/);
  assert.equal(existsSync(run), false);
  const other = { ...recipe, globalBatch: 7, evaluateEvery: { ...evaluateEvery, suite: 'zeroclu' } };
  await assert.rejects(train({ recipe: other, directory: run, tasks, recipeName: 'my.json' }), {
    code: 'TRAINING_BAD_RECIPE',
    message: /globalBatch: 7 .*\n {2}evaluateEvery\.suite: unknown "zeroclu"; known: zeroclue, poems/,
    chinese: /evaluateEvery\.suite：未知的 "zeroclu"；可用：zeroclue, poems/,
  });
});

test('a scorer that fails loses no step: the run is saved before it is asked, and asks again when it goes on', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], {
    steps: 10,
    threads: 1,
    evaluation: { every: 5, windows: 2 },
    evaluateEvery: { ...evaluateEvery, steps: 5 },
  });
  const whole = path.join(directory, 'whole');
  await train({ recipe, directory: whole, tasks: knowing(async () => async () => ({ tnews: 0.5 })) });
  const run = path.join(directory, 'run');
  let calls = 0;
  const tasks = knowing(async () => async () => {
    if (++calls === 2) throw new Error('no memory for the scorer');
    return { tnews: 0.5 };
  });
  await assert.rejects(train({ recipe, directory: run, tasks }), /no memory for the scorer/);
  assert.ok(existsSync(path.join(run, 'checkpoints/step-10')));
  const result = await train({ recipe, directory: run, tasks, resume: 'always' });
  assert.deepEqual([result.status, result.step, calls], ['finished', 10, 3]);
  const log = (place: string) =>
    readRunLog(path.join(place, 'log.jsonl')).map(({ step, loss, evaluation, tasks }) => ({
      step,
      loss,
      evaluation,
      tasks,
    }));
  assert.deepEqual(log(run), log(whole));
});

test('a signal ends an evaluation between two of its batches; what is missing is done when the run goes on', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], {
    steps: 4,
    threads: 1,
    microBatch: 1,
    evaluation: { every: 2, windows: 8 },
    evaluateEvery: { ...evaluateEvery, steps: 2 },
  });
  const run = path.join(directory, 'run');
  const controller = new AbortController();
  const tasks = knowing(async () => async (_, signal) => {
    controller.abort();
    signal?.throwIfAborted();
    return { tnews: 0.5 };
  });
  const stopped = await train({ recipe, directory: run, tasks, signal: controller.signal });
  assert.deepEqual([stopped.status, stopped.step], ['stopped', 2]);
  const lines = () => readRunLog(path.join(run, 'log.jsonl'));
  assert.equal(lines().at(-1)!.tasks, undefined);
  await train({ recipe, directory: run, resume: 'always', tasks: knowing(async () => async () => ({ tnews: 0.5 })) });
  assert.deepEqual(
    lines().map(({ tasks }) => tasks?.tnews),
    [undefined, 0.5, undefined, 0.5],
  );
});
