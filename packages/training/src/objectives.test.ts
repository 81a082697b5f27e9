// Runs of a prefix language model and of documents apart: resumed to the bit, the same in every arrangement of the batch, said in every report.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { readModelConfig } from '@tunan/model';
import { getThreads, setThreads } from '@tunan/torch';
import type { RunRecipe } from './recipe/schema.ts';
import type { StepReport } from './run/progress.ts';
import { type LogLine, readRunLog } from './run/run-log.ts';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from './testing/tiny-corpus.ts';
import { rejects } from './testing/training-error.ts';
import { type StartReport, train } from './train.ts';

const threads = getThreads();
test.after(() => setThreads(threads));

const plm = {
  objective: 'plm',
  prefix: { least: 0.1, most: 0.9 },
  packing: 'documents',
  attention: 'document',
  evaluation: { every: 6, windows: 8 },
  steps: 12,
  threads: 1,
} satisfies Partial<RunRecipe>;

const numbers = ({ step, samples, tokens, targets, loss, lossBySource, gradientNorm, evaluation }: LogLine) => {
  return { step, samples, tokens, targets, loss, lossBySource, gradientNorm, evaluation };
};
const logOf = (run: string) => readRunLog(path.join(run, 'log.jsonl')).map(numbers);

function corpora(directory: string): string[] {
  return [1, 2].map((kind) => writeTinyCorpus(path.join(directory, `kind-${kind}`), kind));
}

const models = {
  gpt2: { contextLength: 32, layers: 2, width: 32, heads: 2 },
  llama: { family: 'llama', contextLength: 32, layers: 2, width: 32, heads: 4, kvHeads: 2 },
};

for (const [family, model] of Object.entries(models)) {
  test(`a prefix language model over packed documents learns; the run goes on to the bit, with recomputation too: ${family}`, async (t) => {
    const directory = temporaryDirectory(t);
    const recipe = tinyRecipe(corpora(directory), {
      ...plm,
      model,
      dropout: 0.1,
      steps: 60,
      evaluation: { every: 30, windows: 8 },
    });
    const whole = path.join(directory, 'whole');
    let start: StartReport | undefined;
    const { checkpoint } = await train({
      recipe,
      directory: whole,
      onStart: (report) => {
        start = report;
      },
    });
    const controller = new AbortController();
    const stopped = path.join(directory, 'stopped');
    const onProgress = ({ line }: StepReport) => line.step === 31 && controller.abort();
    await train({ recipe, directory: stopped, signal: controller.signal, onProgress });
    await train({ recipe: { ...recipe, recomputation: true }, directory: stopped, resume: 'always' });
    assert.deepEqual(logOf(stopped), logOf(whole));
    for (const file of ['model.safetensors', 'optimizer.safetensors']) {
      const of = (run: string) => readFileSync(path.join(run, 'checkpoints', 'step-60', file));
      assert.ok(of(stopped).equals(of(whole)), file);
    }

    const lines = logOf(whole);
    assert.ok(lines.every(({ targets, tokens, step }) => targets! > 0 && targets! < tokens / step));
    assert.ok(lines.at(-1)!.evaluation!.loss < lines[29]!.evaluation!.loss);
    assert.equal(readModelConfig(checkpoint).objective, 'plm');
    assert.match(
      readFileSync(path.join(checkpoint, 'README.md'), 'utf8'),
      /PLM, a prefix language model. 10 % to 90 %/,
    );
    assert.deepEqual(
      start!.rows.map(({ source, documents }) => ({ source, documents })),
      ['kind-1', 'kind-2'].map((source) => ({ source, documents: 80 })),
    );
  });
}

test('micro batches of any size are one step: the same loss, gradient and targets', async (t) => {
  const directory = temporaryDirectory(t);
  const logs: ReturnType<typeof logOf>[] = [];
  for (const microBatch of [8, 2, 1]) {
    const run = path.join(directory, `micro-${microBatch}`);
    await train({
      recipe: tinyRecipe(corpora(directory), { ...plm, precision: 'float32', microBatch, steps: 4 }),
      directory: run,
    });
    logs.push(logOf(run));
  }
  for (const log of logs.slice(1)) {
    log.forEach((line, step) => {
      const first = logs[0]![step]!;
      assert.equal(line.targets, first.targets);
      for (const name of ['loss', 'gradientNorm'] as const)
        assert.ok(Math.abs(line[name]! / first[name]! - 1) < 1e-3, `${name} of step ${step + 1}`);
    });
  }
});

test('options that do not fit are told in one line', async (t) => {
  const directory = temporaryDirectory(t);
  const fails = (change: Partial<RunRecipe>, message: RegExp) =>
    rejects(
      'TRAINING_BAD_RECIPE',
      message,
      train({ recipe: tinyRecipe(corpora(directory), change), directory: path.join(directory, 'run') }),
    );
  await fails({ prefix: {} }, /^run recipe: prefix: only with objective "plm"$/);
  await fails({ objective: 'plm', prefix: { least: 0.6, most: 0.2 } }, /prefix.least: 0.6 is above most 0.2$/);
  await fails(
    { objective: 'plm', prefix: { mask: { part: 'All' } } },
    /prefix.mask: no tokenizer is given that has a token <mask>/,
  );
  await fails({ objective: 'glm' as 'plm' }, /objective: /);
  await fails({ objective: 'plm', prefix: { most: 1.5 } }, /prefix.most: /);
  await fails({ packing: 'rows' as 'stream' }, /packing: /);
});

test('a run of another objective, packing or attention is another run', async (t) => {
  const directory = temporaryDirectory(t);
  const run = path.join(directory, 'run');
  const recipe = tinyRecipe(corpora(directory), { ...plm, steps: 2 });
  await train({ recipe, directory: run });
  const other = (change: Partial<RunRecipe>, message: RegExp) =>
    rejects(
      'TRAINING_OTHER_RECIPE',
      message,
      train({ recipe: { ...recipe, ...change }, directory: run, resume: 'always' }),
    );
  await other({ attention: 'row' }, /attention: "document"/);
  await other({ packing: 'stream' }, /packing: "documents"/);
  await other({ prefix: { least: 0.2 } }, /prefix.least: 0.1, now 0.2/);
  await other({ objective: 'lm', prefix: undefined }, /model.objective: "plm"/);
});
