/**
 * A folder of results: `results.json` (what was evaluated and how, and the numbers), `predictions.jsonl` (one line for every
 * example of every run, for comparisons) and `report.html`. Files are written aside and renamed, results.json last:
 * a folder that has one is whole.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeFolder, removeFile, writeWhole } from '@tunan/files';
import { findMistakes, type Said } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { clauseOf, EvaluationError, joinMistakes } from '../errors.ts';
import type { TaskResult } from '../result.ts';
import type { Evaluation, TaskMaterial } from './evaluation.ts';
import { reportPage } from './report-page.ts';
import type { Sample } from './samples.ts';
import { type EvaluationSummary, summariseEvaluation } from './summary.ts';

const RESULTS = 'results.json';
const PREDICTIONS = 'predictions.jsonl';
const REPORT = 'report.html';
const SAMPLES = 'samples.jsonl';
/** Characters written at once. */
const CHUNK = 1 << 20;

/**
 * @param material of each task, by its name
 * @param samples for samples.jsonl, which is not written without
 */
export function writeEvaluation(
  directory: string,
  evaluation: Evaluation,
  material: ReadonlyMap<string, TaskMaterial>,
  samples?: Iterable<Sample>,
): EvaluationSummary {
  const summary = summariseEvaluation(evaluation.results);
  const { results, ...described } = evaluation;
  makeFolder(directory);
  const put = (name: string, content: string) => writeWhole(path.join(directory, name), content);
  // Of an evaluation that stood here before.
  for (const name of [RESULTS, SAMPLES]) removeFile(path.join(directory, name));
  if (samples !== undefined) writeSamples(path.join(directory, SAMPLES), samples);
  put(PREDICTIONS, predictionLines(results));
  put(REPORT, reportPage(evaluation, summary, material));
  put(
    RESULTS,
    `${JSON.stringify({ format: 'tunan-evaluation', formatVersion: 1, ...described, ...summary }, undefined, 2)}\n`,
  );
  return summary;
}

function predictionLines(results: readonly TaskResult[]): string {
  return results
    .flatMap(({ task, runs }) =>
      runs.flatMap(({ predictions, template, split, order }, run) =>
        predictions.map(({ id, gold, predicted, ...rest }, example) =>
          JSON.stringify({ task, run, template, split, order, example, id, gold, predicted, ...rest }),
        ),
      ),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** There may be hundreds of megabytes. */
function writeSamples(file: string, samples: Iterable<Sample>): void {
  writeWhole(file, (descriptor) => {
    let held = '';
    for (const sample of samples) {
      held += `${JSON.stringify(sample)}\n`;
      if (held.length < CHUNK) continue;
      writeFileSync(descriptor, held);
      held = '';
    }
    writeFileSync(descriptor, held);
  });
}

const predictionSchema = z.object({
  task: z.string(),
  template: z.string().optional(),
  run: z.int().nonnegative(),
  example: z.int().nonnegative(),
  id: z.union([z.string(), z.number()]).optional(),
  gold: z.string().optional(),
  predicted: z.string(),
});
const resultsSchema = z.object({
  format: z.literal('tunan-evaluation'),
  formatVersion: z.literal(1),
  suite: z.string(),
  model: z.object({ name: z.string(), identity: z.string() }),
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  tasks: z.array(z.object({ task: z.string(), title: z.string(), examples: z.int().positive() })),
});

export interface StoredTask {
  readonly task: string;
  readonly title: string;
  readonly examples: number;
  readonly template: string | undefined;
  /** Runs of predictions in the order of the examples. */
  readonly runs: readonly { readonly predictions: readonly StoredPrediction[] }[];
}

export type StoredPrediction = z.infer<typeof predictionSchema>;

export interface StoredEvaluation extends Omit<z.infer<typeof resultsSchema>, 'tasks'> {
  readonly tasks: readonly StoredTask[];
}

/** @throws EvaluationError EVALUATION_BAD_RESULTS naming the file at fault */
export function readEvaluation(directory: string): StoredEvaluation {
  const file = path.join(directory, RESULTS);
  const results = parse(file, readFile(file, directory), resultsSchema);
  const stored = path.join(directory, PREDICTIONS);
  const lines = readFile(stored, directory).split('\n');
  const predictions = lines.flatMap((line, i) =>
    line === '' ? [] : [parse(`${stored}:${i + 1}`, line, predictionSchema)],
  );
  const byTask = Map.groupBy(predictions, ({ task }) => task);
  const tasks = results.tasks.map(({ task, title, examples }) => {
    const byRun = Map.groupBy(byTask.get(task) ?? [], ({ run }) => run);
    const runs = [...byRun.values()].map((run) => ({ predictions: run }));
    const whole = runs.length > 0 && runs.every((run) => run.predictions.length === examples);
    if (!whole)
      throw damaged(stored, {
        en: `not all ${examples} predictions of ${task} are there`,
        zh: `${task} 的 ${examples} 个预测不全`,
      });
    return { task, title, examples, template: runs[0]!.predictions[0]!.template, runs };
  });
  return { ...results, tasks };
}

function readFile(file: string, directory: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new EvaluationError(
      'EVALUATION_BAD_RESULTS',
      {
        en: `${directory}: ${path.basename(file)} cannot be read (${clauseOf(cause).en}); give the --out folder of a finished tunan eval run`,
        zh: `${directory}：无法读取 ${path.basename(file)}（${clauseOf(cause).zh}）；请给出已完成的 tunan eval run 的 --out 目录`,
      },
      { cause },
    );
  }
}

function parse<S extends z.ZodType>(place: string, text: string, schema: S): z.output<S> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(place, clauseOf(cause), cause);
  }
  const found = findMistakes(schema, value);
  if ('mistakes' in found) throw damaged(place, joinMistakes(found.mistakes));
  return found.value;
}

function damaged(place: string, what: Said, cause?: unknown): EvaluationError {
  return new EvaluationError(
    'EVALUATION_BAD_RESULTS',
    { en: `${place}: ${what.en}; run the evaluation again`, zh: `${place}：${what.zh}；请重新评测` },
    { cause },
  );
}
