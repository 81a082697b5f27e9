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
  Sample,
  SubmissionPart,
  Task,
  TaskMaterial,
} from '@tunan/evaluation';
import type { Report } from '../command.ts';
import { CommandLineError, UsageError } from '../errors.ts';
import { spoken, text } from '../language.ts';
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
  readonly 'log-samples': boolean;
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

function checkOptions(options: SuiteOptions): void {
  const { suite, tune, submit, ablate, endpoint, processes, shard, settings } = options;
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
    tune && options['log-samples'],
    '--tune has no prompts: leave --log-samples out',
    '--tune 没有提示：请去掉 --log-samples',
  );
  refuse(
    tune && settings.set?.startsWith('dev') === true,
    `--tune decides by the dev sets when to stop: leave --split ${settings.set} out`,
    `--tune 以 dev 集决定何时停止：请去掉 --split ${settings.set}`,
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
  const submitted = await checkFiles(options, { tasks, data });
  using open = await openScorer(options, options.out);
  const { settings, ablate } = options;
  const pass = { settings, ablate, shard, signal, onProgress: reportProgress };
  await evaluateTasks(tasks, data, open.scorer, pass);
  if (submitted.length > 0) {
    await evaluateTasks(submitted, data, open.scorer, { ...pass, settings: hiddenSettings(settings), ablate: false });
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
  const submitted = await checkFiles(options, { tasks, data });
  using open = await openScorer(options, options.out);
  const { settings, ablate } = options;
  const pass = { settings, signal, onProgress: progress.task };
  const keepSamples = options['log-samples'];
  const evaluated = await evaluateTasks(tasks, data, open.scorer, { ...pass, ablate, keepSamples });
  const hidden = { ...pass, settings: hiddenSettings(settings) };
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
          ...(split !== undefined && { split: split === 'few_all' ? 'all' : String(split) }),
        })),
    ),
  };
}

/** All files of all tasks, before the model is loaded. @returns the tasks that are submitted */
async function checkFiles(
  { settings, ablate, submit }: SuiteOptions,
  { tasks, data }: Suite,
): Promise<readonly Task[]> {
  const { checkEvaluation } = await import('@tunan/evaluation');
  checkEvaluation(tasks, data, { settings, ablate });
  const submitted = submit ? tasks.filter(({ submission }) => submission !== undefined) : [];
  if (submitted.length > 0) checkEvaluation(submitted, data, { settings: hiddenSettings(settings) });
  return submitted;
}

/** The leaderboard takes all of test.json; a limit is for the set that is scored. */
function hiddenSettings(settings: Partial<EvaluationSettings>): Partial<EvaluationSettings> {
  return { ...settings, set: 'test', limit: undefined };
}

function describe({ name, scorer }: OpenScorer): Evaluation['model'] {
  return { name, identity: scorer.identity };
}

async function report(options: SuiteOptions, { model, evaluated, submission }: Found): Promise<Report> {
  const { SUBMISSION_FILE, writeEvaluation, writeSubmission, DEFAULT_SETTINGS, notesOf } = await import(
    '@tunan/evaluation'
  );
  const { suite, out, tune, settings } = options;
  const results = evaluated.map(({ result }) => result);
  const material = new Map(evaluated.map((one): [string, TaskMaterial] => [one.result.task, one]));
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
  const summary = writeEvaluation(out, evaluation, material, options['log-samples'] ? samplesOf(evaluated) : undefined);
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
      ...notesOf(summary, settings.limit).map(spoken),
      ...(ablation ? ['', ...ablationTable(ablation, results)] : []),
      '',
      text(`results: ${path.join(out, 'report.html')}`, `结果：${path.join(out, 'report.html')}`),
      ...(options.submit ? [text(`submission: ${zip}`, `提交文件：${zip}`)] : []),
    ],
  };
}

function* samplesOf(evaluated: readonly EvaluatedTask[]): Generator<Sample> {
  for (const one of evaluated) yield* one.samples();
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
