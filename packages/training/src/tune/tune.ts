/**
 * A model tuned on examples: sets made, rows packed, a run of the training loop with defaults for tuning, the loss on what was held out
 * before and after, and at the end the adapter or the model by itself. Resume, log, checkpoints and signals are those of train().
 */

import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeFolder, WholeFile } from '@tunan/files';
import { readModelConfig } from '@tunan/model';
import { Mesh } from '../parallel/mesh.ts';
import { ModelShare } from '../parallel/model-share.ts';
import type { RunPlan } from '../recipe/plan.ts';
import { readRunLog } from '../run/run-log.ts';
import { bestOf, examplesOf, outputOf, readLossBefore, writeLossBefore } from '../run/tuned-files.ts';
import { train } from '../train.ts';
import type { TrainingRows } from '../training-rows.ts';
import { ExampleRows } from './example-rows.ts';
import type { ExampleSets } from './example-sets.ts';
import { badExamples } from './examples.ts';
import { isPreference, PreferenceRows } from './preference-rows.ts';
import { prepareReplay } from './replay.ts';
import { BestKeeper, takeOut } from './take-out.ts';
import { findTrial, keepTrial } from './trial.ts';
import type { TuneOptions } from './tune-options.ts';
import { tuningRecipe } from './tuning-recipe.ts';

export interface TuneResult {
  readonly status: 'finished' | 'stopped';
  readonly step: number;
  readonly plan: RunPlan;
  readonly checkpoint: string;
  /** The adapter or model by itself; absent where the run was stopped. */
  readonly output: string | undefined;
  /** Nats a token over what is learnt of the held-out examples; absent where none are held out. */
  readonly before: number | undefined;
  readonly after: number | undefined;
  /** Where the loss on what is held out was lowest; absent where it was so at the end. */
  readonly best:
    | { readonly step: number; readonly loss: number /** Adapter or model. */; readonly directory: string | undefined }
    | undefined;
}

/** @throws TrainingError, ModelError */
export async function tune(options: TuneOptions): Promise<TuneResult> {
  const { directory, sets, data, coder, signal, mesh = Mesh.alone() } = options;
  requireFitting(options);
  const replay = options.replay && prepareReplay(options.replay, coder, readModelConfig(options.model).contextLength);
  const given = {
    tokenizer: { sha256: coder.sha256, vocabularySize: coder.vocabularySize, eod: coder.end },
    rows: (plan: RunPlan) =>
      plan.preference === undefined ? new ExampleRows(sets, plan, data, replay) : new PreferenceRows(sets, plan, data),
  };
  const trial = await findTrial(options, given);
  const recipe = tuningRecipe(options, trial);
  const log = path.join(directory, 'log.jsonl');
  let before: number | undefined;
  let keeper: BestKeeper | undefined;
  const { status, step, plan, checkpoint } = await train({
    recipe,
    recipeName: 'tuning',
    data: given,
    directory,
    mesh,
    from: options.model,
    resume: options.resume,
    ...(options.tokenizerFile !== undefined && { tokenizerFile: options.tokenizerFile }),
    ...(signal !== undefined && { signal }),
    ...(options.onStart !== undefined && { onStart: options.onStart }),
    onProgress: (report) => {
      keeper?.see(report.line);
      options.onProgress?.(report);
    },
    onReady: async (plan, rows) => {
      await mesh.once(() => {
        keepExamples(directory, sets);
        if (trial !== undefined) keepTrial(directory, trial);
        keeper = new BestKeeper(directory, existsSync(log) ? readRunLog(log) : [], options.chatTemplate);
      });
      const heard = mesh.heard(signal);
      if (rows instanceof PreferenceRows) await rows.prepare(directory, heard, mesh);
      if (sets.validation.length > 0) before = await lossBefore(directory, plan, rows, heard, mesh);
    },
  });
  return mesh.once(() => ({ status, step, plan, checkpoint, before, ...written(options, status, checkpoint) }));
}

/** What comes out, taken from the checkpoint and from the log. */
function written(
  { directory, way, chatTemplate }: TuneOptions,
  status: TuneResult['status'],
  checkpoint: string,
): Pick<TuneResult, 'output' | 'after' | 'best'> {
  const evaluated = readRunLog(path.join(directory, 'log.jsonl')).filter(({ evaluation }) => evaluation !== undefined);
  const after = status === 'finished' ? evaluated.at(-1)?.evaluation?.loss : undefined;
  const lowest = evaluated.reduce<(typeof evaluated)[number] | undefined>(
    (low, line) => (low !== undefined && low.evaluation!.loss <= line.evaluation!.loss ? low : line),
    undefined,
  );
  const best = lowest === undefined || lowest === evaluated.at(-1) ? undefined : lowest;
  const kept = bestOf(directory);
  if (status === 'finished' && best === undefined) rmSync(kept, { recursive: true, force: true });
  return {
    output: status === 'finished' ? takeOut(checkpoint, outputOf(directory, way), chatTemplate) : undefined,
    after,
    best: best && { step: best.step, loss: best.evaluation!.loss, directory: existsSync(kept) ? kept : undefined },
  };
}

/** Options that say nothing of such examples. */
function requireFitting({ sets, data, preference = {}, replay }: TuneOptions): void {
  const pairs = isPreference(sets.train.at(0)!);
  if (pairs && replay !== undefined)
    throw badExamples(data, 'pairs of answers take no replay: leave it out', '偏好对不能混入通用文本：请去掉 replay');
  if (!pairs && Object.keys(preference).length > 0) {
    const en = 'beta and label smoothing are of pairs of answers, which these examples are not: leave them out';
    throw badExamples(data, en, 'beta 与 label smoothing 仅用于偏好对，而这些样例不是：请去掉');
  }
}

/** As JSON lines, beside the run: the report asks for them. */
function keepExamples(directory: string, { train, validation }: ExampleSets): void {
  const files = examplesOf(directory);
  makeFolder(path.dirname(files[0]));
  [train, validation].forEach((examples, i) => {
    using file = new WholeFile(files[i]!);
    for (const { content } of examples) {
      const { kind: _, ...row } = content;
      writeFileSync(file.descriptor, `${JSON.stringify(row)}\n`);
    }
    file.finish();
  });
}

/** Of the model that the run begins with. Measured once, and kept with the run. */
async function lossBefore(
  directory: string,
  plan: RunPlan,
  rows: Pick<TrainingRows, 'evaluate'>,
  signal: AbortSignal | undefined,
  mesh: Mesh,
): Promise<number | undefined> {
  const from = plan.from!;
  const known = await mesh.once(() => readLossBefore(directory, from.sha256));
  if (known !== undefined) return known;
  using share = ModelShare.frozen(plan, mesh, from.directory);
  const loss = (await rows.evaluate(share.way, signal, mesh))?.loss;
  await mesh.once(() => {
    if (loss !== undefined) writeLossBefore(directory, from.sha256, loss);
  });
  return loss;
}
