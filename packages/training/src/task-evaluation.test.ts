import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { readRunLog } from './run-log.ts';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from './testing/tiny-corpus.ts';
import { train } from './train.ts';

const evaluateEvery = { steps: 4, suite: 'zeroclue', data: 'somewhere', tasks: ['tnews'], limit: 5 } as const;

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
    openTasks: async (request) => {
      opened = request;
      return async (model) => {
        assert.ok(model.config.layers > 0);
        return { tnews: ++calls / 10 };
      };
    },
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
  assert.equal(fs.existsSync(run), false);
  const openTasks = () => Promise.reject(new Error('no such data'));
  await assert.rejects(train({ recipe, directory: run, openTasks }), /no such data/);
  assert.equal(fs.existsSync(run), false);
});
