/**
 * `tunan eval run zeroclue|fewclue|poems`: opens the suite and the model, scores (or trains), writes the results folder and,
 * if asked, the leaderboard's zip.
 */
import path from 'node:path';
import type {
  AblationCell,
  EvaluatedTask,
  Evaluation,
  EvaluationSettings,
  Example,
  SubmissionPart,
} from '@tunan/evaluation';
import type { Report } from '../command.ts';
import { CommandLineError, UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { ProgressLine } from '../progress.ts';
import { StopSignal } from '../stop-signal.ts';
import { openSuite, type Suite } from './choose-tasks.ts';
import { type OpenScorer, openScorer, type ScorerOptions } from './open-scorer.ts';
import { readShard, reportProgress, runShards } from './shards.ts';
import { SuiteProgress } from './suite-progress.ts';
import { ablationTable, orderLines, scoreTable } from './tables.ts';
import { tuneSuite } from './tune-suite.ts';

export interface SuiteOptions extends ScorerOptions {
  readonly suite: string;
  readonly data: string;
  readonly out: string;
  readonly split: string;
  readonly tasks: string | undefined;
  readonly settings: Partial<EvaluationSettings>;
  readonly ablate: boolean;
  readonly submit: boolean;
  readonly tune: boolean;
  readonly processes: number;
  readonly shard: string | undefined;
}

/** What is written, whichever way it was found. */
export interface Found {
  readonly model: Evaluation['model'];
  readonly evaluated: readonly EvaluatedTask[];
  readonly submission: readonly SubmissionPart[];
}

export async function runSuite(options: SuiteOptions): Promise<Report> {
  const { suite, data, split, out } = options;
  checkOptions(options);
  const opened = await openSuite(suite, { data, split, seed: options.settings.seed ?? 1, chosen: options.tasks });
  using stop = new StopSignal();
  const progress = new SuiteProgress(new ProgressLine(), opened.tasks.length);
  try {
    if (options.shard !== undefined) return await scoreShard(options, opened, stop.signal);
    if (options.processes > 1) await runShards(options.processes, (shards) => progress.shards(shards), stop.signal);
    const found = options.tune
      ? await tuneSuite(options, opened, progress, stop.signal)
      : await scoreSuite(options, opened, progress, stop.signal);
    progress.end();
    return await report(options, found);
  } catch (error) {
    progress.end();
    if (!stop.signal.aborted) throw error;
    const message = text(
      `stopped; the scores so far are in ${out}: the same command goes on from there`,
      `已停止；已有得分保存在 ${out}，再次运行同一命令即可继续`,
    );
    throw new CommandLineError('CLI_STOPPED', message, { cause: error });
  }
}

function checkOptions({ suite, tune, submit, ablate, endpoint, processes, shard, settings }: SuiteOptions): void {
  const refuse = (wrong: boolean, en: string, zh: string) => {
    if (wrong) throw new UsageError(text(en, zh));
  };
  refuse(!Number.isInteger(processes) || processes < 1, '--processes is at least 1', '--processes 至少为 1');
  refuse(
    suite === 'poems' && (tune || submit),
    'poems has no --tune and no --submit',
    'poems 不支持 --tune 与 --submit',
  );
  refuse(
    submit && settings.limit !== undefined,
    '--submit needs all of test.json: leave --limit out',
    '--submit 需要完整的 test.json：请去掉 --limit',
  );
  refuse(
    tune && endpoint !== undefined,
    '--tune trains a model: give --model, not --endpoint',
    '--tune 需要训练模型：请用 --model 而非 --endpoint',
  );
  refuse(tune && ablate, '--tune and --ablate exclude each other', '--tune 与 --ablate 不能同时使用');
  refuse(tune && (processes > 1 || shard !== undefined), '--tune runs in one process', '--tune 只能在一个进程中运行');
}

async function scoreShard(options: SuiteOptions, { tasks, data }: Suite, signal: AbortSignal): Promise<Report> {
  const { evaluateTasks } = await import('@tunan/evaluation');
  const shard = readShard(options.shard!);
  using open = await openScorer(options, options.out);
  const { settings, ablate } = options;
  const pass = { settings, ablate, shard, signal, onProgress: reportProgress };
  await evaluateTasks(tasks, data, open.scorer, pass);
  if (options.submit) {
    const submitted = tasks.filter(({ submission }) => submission !== undefined);
    await evaluateTasks(submitted, data, open.scorer, {
      ...pass,
      settings: { ...settings, set: 'test' },
      ablate: false,
    });
  }
  const line = text(
    `shard ${options.shard} is scored; when all are, run the command without --shard`,
    `分片 ${options.shard} 已完成；全部完成后去掉 --shard 再运行`,
  );
  return { data: { suite: options.suite, shard: options.shard }, lines: [line] };
}

async function scoreSuite(
  options: SuiteOptions,
  { tasks, data }: Suite,
  progress: SuiteProgress,
  signal: AbortSignal,
): Promise<Found> {
  const { evaluateTasks } = await import('@tunan/evaluation');
  using open = await openScorer(options, options.out);
  const { settings, ablate } = options;
  const pass = { settings, signal, onProgress: progress.task };
  const evaluated = await evaluateTasks(tasks, data, open.scorer, { ...pass, ablate });
  const submitted = options.submit ? tasks.filter(({ submission }) => submission !== undefined) : [];
  const hidden = { ...pass, settings: { ...settings, set: 'test' } };
  const answers = submitted.length === 0 ? [] : await evaluateTasks(submitted, data, open.scorer, hidden);
  return {
    model: describe(open),
    evaluated,
    submission: answers.flatMap(({ result, examples }, i) =>
      result.runs
        .filter(({ order }) => order === 0)
        .map(({ split, predictions }) => ({
          task: submitted[i]!,
          examples,
          predictions,
          ...(split !== undefined && { split: String(split) }),
        })),
    ),
  };
}

function describe({ name, scorer }: OpenScorer): Evaluation['model'] {
  return { name, identity: scorer.identity };
}

async function report(options: SuiteOptions, { model, evaluated, submission }: Found): Promise<Report> {
  const { SUBMISSION_FILE, writeEvaluation, writeSubmission, DEFAULT_SETTINGS } = await import('@tunan/evaluation');
  const { suite, out, tune, settings } = options;
  const results = evaluated.map(({ result }) => result);
  const examples = new Map(
    evaluated.map(({ result, examples }): [string, readonly Example[]] => [result.task, examples]),
  );
  const ablation = options.ablate ? ablationCells(evaluated) : undefined;
  const { splits, ...plain } = { ...DEFAULT_SETTINGS, ...settings };
  const described = Object.entries({ ...plain, splits: splits.join(' '), tune, dtype: options.dtype });
  const evaluation: Evaluation = {
    suite,
    model,
    settings: Object.fromEntries(described.filter(([, value]) => value !== undefined)) as Evaluation['settings'],
    results,
    ...(ablation && { ablation }),
  };
  const summary = writeEvaluation(out, evaluation, examples);
  const zip = path.join(out, SUBMISSION_FILE);
  if (options.submit) writeSubmission(zip, submission);
  const tasks = Object.fromEntries(
    summary.tasks.map(({ task, ...rest }, i) => [task, { ...rest, orderSpread: results[i]!.orderSpread }]),
  );
  return {
    data: {
      suite,
      model: model.name,
      out,
      tasks,
      mean: summary.mean,
      ablation,
      ...(options.submit && { submission: zip }),
    },
    lines: [
      ...scoreTable(summary),
      ...orderLines(results),
      ...(ablation ? ['', ...ablationTable(ablation, results)] : []),
      '',
      text(`results: ${path.join(out, 'report.html')}`, `结果：${path.join(out, 'report.html')}`),
      ...(options.submit ? [text(`submission: ${zip}`, `提交文件：${zip}`)] : []),
    ],
  };
}

function ablationCells(evaluated: readonly EvaluatedTask[]): AblationCell[] {
  const first = evaluated.find(({ ablation }) => ablation.length > 0);
  return (first?.ablation ?? []).map(({ calibrate, expand }, cell) => ({
    calibrate,
    expand,
    accuracies: Object.fromEntries(
      evaluated.flatMap(({ result, ablation }) =>
        ablation.length === 0 ? [] : [[result.task, ablation[cell]!.accuracy]],
      ),
    ),
  }));
}
