/** `--tune`: every task by training on its splits instead of prompting. */
import path from 'node:path';
import type { EvaluatedTask, SubmissionPart } from '@tunan/evaluation';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { grantedPrecision, readDevice, readPrecision } from '../model-options.ts';
import type { Suite } from './choose-tasks.ts';
import type { Found, SuiteOptions } from './run-suite.ts';
import type { SuiteProgress } from './suite-progress.ts';

export async function tuneSuite(
  options: SuiteOptions,
  { tasks, data }: Suite,
  progress: SuiteProgress,
  signal: AbortSignal,
): Promise<Found> {
  const { checkTuningData, modelIdentity, tuneTask } = await import('@tunan/evaluation');
  const { model: directory, settings, submit } = options;
  if (directory === undefined) throw new UsageError(text('--tune needs --model', '--tune 需要 --model'));
  const { limit, set, splits } = settings;
  const sets = { ...(set !== undefined && { set }), ...(splits !== undefined && { splits }), submit };
  checkTuningData(tasks, data, sets);
  const device = readDevice(options.device);
  (await import('@tunan/torch')).requireDevice(device);
  const place = { device, dtype: await grantedPrecision(device, readPrecision(options.dtype)) };
  const identity = modelIdentity(directory, `${place.dtype} ${device}`);
  const keep = { directory: path.join(options.out, 'tuned'), modelIdentity: identity };
  const evaluated: EvaluatedTask[] = [];
  const submission: SubmissionPart[] = [];
  for (const task of tasks) {
    const { result, examples, submissions } = await tuneTask(task, directory, options.data, {
      ...place,
      keep,
      ...sets,
      ...(limit !== undefined && { limit }),
      signal,
      seed: settings.seed ?? 1,
      onEstimate: (seconds) => announce(task.title, seconds),
      onEpoch: (split, { epoch }) => progress.training(task.title, split, epoch),
    });
    evaluated.push({ result, examples, ablation: [], prompts: [], samples: () => [] });
    submission.push(
      ...submissions.map(({ split, ...part }) => ({
        task,
        split: split === 'few_all' ? 'all' : String(split),
        ...part,
      })),
    );
  }
  const name = path.basename(path.resolve(directory));
  return {
    model: { name, identity },
    evaluated,
    submission,
  };
}

function announce(title: string, seconds: number): void {
  const minutes = Math.max(1, Math.round(seconds / 60));
  process.stderr.write(
    `${text(`${title}: training takes ${minutes} min at most`, `${title}：训练最多约需 ${minutes} 分钟`)}\n`,
  );
}
