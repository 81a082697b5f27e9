/** Stop and go on: a run that was killed or stopped is, to the last digit, the run that never was. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readSafetensors, scope } from '@tunan/torch';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from '../testing/tiny-corpus.ts';
import { rejects } from '../testing/training-error.ts';
import { train } from '../train.ts';
import { listCheckpoints } from './checkpoint-files.ts';
import type { StepReport } from './progress.ts';
import { type LogLine, readRunLog } from './run-log.ts';

const child = fileURLToPath(new URL('../testing/train-child.ts', import.meta.url));

/** What must be equal: everything but the clock. */
function numbersOf(directory: string): Omit<LogLine, 'tokensPerSecond' | 'milliseconds'>[] {
  return readRunLog(path.join(directory, 'log.jsonl')).map(({ tokensPerSecond, milliseconds, ...rest }) => {
    assert.ok(tokensPerSecond > 0 && milliseconds.total > 0);
    return rest;
  });
}

function weightsOf(checkpoint: string): Record<string, unknown> {
  return scope(() =>
    Object.fromEntries(
      ['model.safetensors', 'optimizer.safetensors'].map((name) => {
        const file = readSafetensors(path.join(checkpoint, name));
        return [name, file.names().map((tensor) => [tensor, file.get(tensor).toArray()])];
      }),
    ),
  );
}

function namesIn(file: string): string[] {
  using reader = readSafetensors(file);
  return reader.names();
}

function start(options: object): ChildProcess {
  return spawn(process.execPath, [child, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function untilStep(directory: string, step: number, running: ChildProcess): Promise<void> {
  const log = path.join(directory, 'log.jsonl');
  while (!existsSync(log) || readRunLog(log).length < step) {
    assert.equal(running.exitCode, null, 'the child ended early');
    await delay(5);
  }
}

test('kill -9 in the middle, twice: resumed, the log, weights and moments equal those of an uninterrupted run', async (t) => {
  const directory = temporaryDirectory(t);
  const corpora = [
    writeTinyCorpus(path.join(directory, 'poems'), 1),
    writeTinyCorpus(path.join(directory, 'prose'), 2),
  ];
  const recipe = tinyRecipe(corpora, {
    steps: 60,
    dropout: 0.1,
    batchRamp: { start: 4, increment: 4, samples: 100 },
    globalBatch: 8,
    microBatch: 4,
    checkpoint: { every: 8, keep: 2 },
    evaluation: { every: 10, windows: 4 },
    threads: 1,
  });
  const whole = path.join(directory, 'whole');
  const pieces = path.join(directory, 'pieces');
  await train({ recipe, directory: whole });

  for (const [step, resume] of [
    [19, 'never'],
    [42, 'always'],
  ] as const) {
    const running = start({ recipe, directory: pieces, resume });
    await untilStep(pieces, step, running);
    running.kill('SIGKILL');
    await once(running, 'exit');
    assert.equal(running.signalCode, 'SIGKILL');
  }
  const result = await train({ recipe, directory: pieces, resume: 'always' });
  assert.equal(result.status, 'finished');
  assert.deepEqual(numbersOf(pieces), numbersOf(whole));
  assert.deepEqual(weightsOf(result.checkpoint), weightsOf(path.join(whole, 'checkpoints', 'step-60')));
  assert.deepEqual(listCheckpoints(path.join(pieces, 'checkpoints')), ['step-60', 'step-56']);
  // Moments go by the names of the parameters: what is on disk outlives another grouping.
  const [weights, moments] = ['model', 'optimizer'].map((file) =>
    namesIn(path.join(result.checkpoint, `${file}.safetensors`)),
  );
  const expected = ['exp_avg', 'exp_avg_sq'].flatMap((moment) => weights!.map((name) => `${moment}.${name}`));
  assert.deepEqual(moments!.toSorted(), expected.sort());
});

test('Muon: stopped and resumed, weights, moments and momenta equal those of an uninterrupted run', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], {
    steps: 30,
    optimizer: {
      kind: 'muon',
      learningRate: 1e-2,
      warmupSteps: 2,
      decay: 'trapezoid',
      weightDecay: 0.1,
      weightDecayShape: 'linear',
      cautious: true,
    },
    threads: 1,
  });
  const [whole, pieces] = ['whole', 'pieces'].map((name) => path.join(directory, name));
  const uninterrupted = await train({ recipe, directory: whole! });
  const controller = new AbortController();
  const onProgress = ({ line: { step } }: StepReport) => step === 17 && controller.abort();
  await train({ recipe, directory: pieces!, signal: controller.signal, onProgress });
  const { checkpoint } = await train({ recipe, directory: pieces!, resume: 'always' });
  assert.deepEqual(numbersOf(pieces!), numbersOf(whole!));
  assert.deepEqual(weightsOf(checkpoint), weightsOf(uninterrupted.checkpoint));
  // It learnt, and the matrices have a momentum and no moments of AdamW's.
  assert.ok(numbersOf(whole!).at(-1)!.loss < 0.7 * numbersOf(whole!)[0]!.loss);
  const moments = namesIn(path.join(checkpoint, 'optimizer.safetensors'));
  const of = (prefix: string) =>
    moments.filter((name) => name.startsWith(`${prefix}.`)).map((name) => name.slice(prefix.length + 1));
  assert.equal(of('momentum').length, 2 * 4);
  assert.ok(of('momentum').every((name) => /\.h\.\d\..*\.c_\w+\.weight$/.test(name) && !of('exp_avg').includes(name)));
  assert.deepEqual(
    [...of('momentum'), ...of('exp_avg')].sort(),
    namesIn(path.join(checkpoint, 'model.safetensors')).sort(),
  );
});

test('a run is not extended with another optimizer', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], { steps: 2 });
  await train({ recipe, directory: path.join(directory, 'run') });
  const longer = { ...recipe, steps: 4, optimizer: { ...recipe.optimizer, kind: 'muon' as const } };
  await rejects(
    'TRAINING_OTHER_RECIPE',
    /is the state of adamw, the recipe asks for muon: write "kind": "adamw"/,
    train({ recipe: longer, directory: path.join(directory, 'run'), resume: 'extend' }),
  );
});

test('SIGTERM finishes the step, saves, exits 0; resumed the log is whole', async (t) => {
  const directory = temporaryDirectory(t);
  const recipe = tinyRecipe([writeTinyCorpus(path.join(directory, 'poems'), 1)], { steps: 400, threads: 1 });
  const run = path.join(directory, 'run');
  const running = start({ recipe, directory: run, resume: 'never' });
  await untilStep(run, 5, running);
  running.kill('SIGTERM');
  const [code] = await once(running, 'exit');
  assert.equal(code, 0);
  const steps = readRunLog(path.join(run, 'log.jsonl')).length;
  assert.ok(steps >= 5 && steps < 400);
  assert.deepEqual(listCheckpoints(path.join(run, 'checkpoints')), [`step-${steps}`]);

  const controller = new AbortController();
  const result = await train({
    recipe,
    directory: run,
    resume: 'if-present',
    signal: controller.signal,
    onProgress: ({ line }) => line.step === steps + 7 && controller.abort(),
  });
  assert.deepEqual([result.status, result.step], ['stopped', steps + 7]);
  assert.deepEqual(
    numbersOf(run).map(({ step }) => step),
    Array.from({ length: steps + 7 }, (_, index) => index + 1),
  );
});
