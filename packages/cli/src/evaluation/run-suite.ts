/** `tunan eval run zeroclue|fewclue|poems`: from the command line to a run of a suite, and what is said of its results. */
import path from 'node:path';
import type { GivenSettings, RunSuiteOptions, Suite, SuiteResults, TuneSuiteOptions } from '@tunan/evaluation';
import type { Report } from '../command.ts';
import { CommandLineError, UsageError } from '../errors.ts';
import { spoken, text } from '../language.ts';
import { readPlace } from '../model-options.ts';
import { ProgressLine } from '../progress.ts';
import { StopSignal } from '../stop-signal.ts';
import { damagedCache, type ModelOptions, openModel } from './open-model.ts';
import { openSuite } from './open-suite.ts';
import { readShard } from './settings.ts';
import { SuiteProgress } from './suite-progress.ts';
import { ablationTable, orderLines, scoreTable } from './tables.ts';

export interface SuiteCommand extends ModelOptions {
  readonly suite: string;
  readonly data: string;
  readonly out: string;
  readonly split: string;
  readonly tasks: string | undefined;
  readonly settings: GivenSettings;
  readonly ablate: boolean;
  readonly submit: boolean;
  readonly 'log-samples': boolean;
  readonly tune: boolean;
  readonly processes: number;
  readonly shard: string | undefined;
}

export async function runSuiteCommand(command: SuiteCommand): Promise<Report> {
  const { data, split, out, settings } = command;
  checkCommand(command);
  const chosen = command.tasks?.split(',').map((name) => name.trim());
  const suite = await openSuite(command.suite, data, chosen, { split, seed: settings.seed ?? 1 });
  using stop = new StopSignal();
  const progress = new SuiteProgress(new ProgressLine(), suite.tasks.length);
  try {
    if (command.shard !== undefined) return await shardReport(command, command.shard, suite, stop.signal);
    const results = await resultsOf(command, suite, progress, stop.signal);
    progress.end();
    return await report(command, results);
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

function checkCommand({ suite, tune, submit, ablate, endpoint, processes, shard, settings, ...more }: SuiteCommand) {
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
    tune && more['log-samples'],
    '--tune has no prompts: leave --log-samples out',
    '--tune 没有提示：请去掉 --log-samples',
  );
  refuse(
    more['prompt-attention'] !== undefined && (tune || endpoint !== undefined),
    '--prompt-attention is for prompts to a --model: leave it out with --tune and --endpoint',
    '--prompt-attention 用于对 --model 的提示：与 --tune、--endpoint 同用时请去掉',
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

async function resultsOf(
  command: SuiteCommand,
  suite: Suite,
  progress: SuiteProgress,
  signal: AbortSignal,
): Promise<SuiteResults> {
  const { runShards, runSuite, tuneSuite } = await import('@tunan/evaluation');
  const { processes, model, out, tune } = command;
  if (tune) {
    if (model === undefined) throw new UsageError(text('--tune needs --model', '--tune 需要 --model'));
    return tuneSuite(suite, model, { ...(await tuneOptions(command, progress)), signal });
  }
  if (processes > 1) {
    const own = process.argv.slice(2).filter((argument) => argument !== '--json');
    const onProgress = progress.shards.bind(progress);
    await runShards(
      processes,
      process.argv[1]!,
      ({ index, count }) => [...own, '--processes', '1', '--shard', `${index + 1}/${count}`],
      { signal, onProgress },
    );
  }
  const options = { ...runOptions(command), signal, onProgress: progress.task };
  return runSuite(suite, () => openModel(command, out), options);
}

function runOptions({ out, settings, ablate, submit, dtype, ...more }: SuiteCommand): RunSuiteOptions {
  const promptAttention = more['prompt-attention'];
  const described = { dtype, ...(promptAttention !== undefined && { promptAttention }) };
  return {
    out,
    settings,
    ablate,
    submit,
    described,
    keepSamples: more['log-samples'],
    onDamagedCache: damagedCache,
  };
}

async function tuneOptions(command: SuiteCommand, progress: SuiteProgress): Promise<TuneSuiteOptions> {
  const { out, settings, submit, dtype } = command;
  return {
    ...(await readPlace(command)),
    out,
    settings,
    submit,
    described: { dtype },
    onEstimate: ({ title }, seconds) => announce(title, seconds),
    onEpoch: ({ title }, split, epoch) => progress.training(title, split, epoch),
  };
}

function announce(title: string, seconds: number): void {
  const minutes = Math.max(1, Math.round(seconds / 60));
  process.stderr.write(
    `${text(`${title}: training takes ${minutes} min at most`, `${title}：训练最多约需 ${minutes} 分钟`)}\n`,
  );
}

async function shardReport(command: SuiteCommand, shard: string, suite: Suite, signal: AbortSignal): Promise<Report> {
  const { reportProgress, scoreShard } = await import('@tunan/evaluation');
  const options = { ...runOptions(command), signal, onProgress: reportProgress };
  await scoreShard(suite, () => openModel(command, command.out), readShard(shard), options);
  const line = text(
    `shard ${shard} is scored; when all are, run the command without --shard`,
    `分片 ${shard} 已完成；全部完成后去掉 --shard 再运行`,
  );
  return { data: { suite: suite.name, shard }, lines: [line] };
}

async function report(
  { out, settings }: SuiteCommand,
  { evaluation, summary, submission }: SuiteResults,
): Promise<Report> {
  const { notesOf } = await import('@tunan/evaluation');
  const { suite, model, results, ablation } = evaluation;
  const tasks = Object.fromEntries(
    summary.tasks.map(({ task, ...rest }, i) => [task, { ...rest, orderSpread: results[i]!.orderSpread }]),
  );
  const page = path.join(out, 'report.html');
  return {
    data: { suite, model: model.name, out, tasks, mean: summary.mean, ablation, submission },
    lines: [
      ...scoreTable(summary),
      ...orderLines(results),
      ...notesOf(summary, settings.limit).map(spoken),
      ...(ablation ? ['', ...ablationTable(ablation, results)] : []),
      '',
      text(`results: ${page}`, `结果：${page}`),
      ...(submission === undefined ? [] : [text(`submission: ${submission}`, `提交文件：${submission}`)]),
    ],
  };
}
