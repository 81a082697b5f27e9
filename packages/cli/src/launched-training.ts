/** `tunan train run --nproc N`: the same command once for each process, and what a process says to its launcher. */
import type { RunRecipe } from '@tunan/training';
import { errorMessage } from './error-message.ts';
import { AlreadySaid, UsageError } from './errors.ts';
import { spoken, text } from './language.ts';
import { StopSignal } from './stop-signal.ts';

interface LaunchValues {
  readonly nproc?: number | undefined;
  readonly 'max-restarts'?: number | undefined;
  readonly 'min-nproc'?: number | undefined;
}

/** What decides how many processes a run can have; checked by the processes. */
type LaidRecipe = Partial<Pick<RunRecipe, 'parallel' | 'microBatch' | 'globalBatch' | 'batchRamp'>>;

/**
 * Starts the command that this process was started with, without what is the launcher's.
 * @throws TrainingError TRAINING_BAD_LAYOUT, UsageError where the numbers of processes do not fit the recipe
 */
export async function launchTraining(values: LaunchValues, recipe: LaidRecipe = {}): Promise<undefined> {
  const ranks = wholeNumber('nproc', values.nproc ?? 1, 1);
  const maxRestarts = wholeNumber('max-restarts', values['max-restarts'] ?? 0, 0);
  const leastRanks = wholeNumber('min-nproc', values['min-nproc'] ?? ranks, 1);
  const { fittingRanks, launch, meshOf } = await import('@tunan/training');
  const { microBatch = 1, globalBatch = 1, batchRamp } = recipe;
  const parallel = countable(recipe.parallel);
  const { tensor, pipeline } = meshOf(ranks, parallel);
  const fitting = fittingRanks({ parallel, microBatch, globalBatch, batchRamp }, ranks);
  if (values['min-nproc'] !== undefined) requireLeastRanks(leastRanks, ranks, tensor * pipeline, fitting);
  using stop = new StopSignal();
  await launch({
    command: process.execPath,
    args: (restart) => [...process.execArgv, process.argv[1]!, ...argumentsOf(process.argv.slice(2), restart)],
    ranks,
    maxRestarts,
    fewerRanks: fitting.filter((count) => count >= leastRanks),
    signal: stop.signal,
    say: (line) => process.stderr.write(`${spoken(line)}\n`),
  });
  return undefined;
}

/** Without what is no number of processes. */
function countable({ tensor, pipeline, chunks }: NonNullable<LaidRecipe['parallel']> = {}) {
  const counted = (value = 1) => (Number.isInteger(value) && value > 0 ? value : 1);
  return { tensor: counted(tensor), pipeline: counted(pipeline), chunks: counted(chunks) };
}

/**
 * A run goes on with whole copies of its model, over which its steps can be divided.
 * @param fitting numbers of processes that do, ascending, up to `ranks`
 */
export function requireLeastRanks(least: number, ranks: number, modelRanks: number, fitting: readonly number[]): void {
  if (fitting.includes(least)) return;
  const near = [fitting.findLast((count) => count < least), fitting.find((count) => count > least)];
  const give = near.filter((count) => count !== undefined);
  // An interleaved pipeline divides no step so; the processes say which, of their own number.
  const [en, zh] =
    give.length === 0 ? ['leave it out', '请去掉此项'] : [`give ${give.join(' or ')}`, `请给 ${give.join(' 或 ')}`];
  throw new UsageError(
    text(
      `--min-nproc ${least}: ${ranks} processes, ${modelRanks} to a model (tensor x pipeline), go on with whole models that can divide every step: ${en}`,
      `--min-nproc ${least}：共 ${ranks} 个进程，每个模型 ${modelRanks} 个（张量 × 流水线），只能以整份且能均分每步样本的模型继续：${zh}`,
    ),
  );
}

const OWN = ['--nproc', '--max-restarts', '--min-nproc'];
const RESUMES = ['--resume', '--resume-if-present', '--extend'];

/** A run that is started again goes on with what is there. */
export function argumentsOf(given: readonly string[], restart: number): string[] {
  const ranks = given.filter(
    (word, at) => !OWN.some((own) => word === own || word.startsWith(`${own}=`)) && !OWN.includes(given[at - 1] ?? ''),
  );
  if (restart === 0) return ranks;
  return [...ranks.filter((word) => !RESUMES.includes(word)), '--resume-if-present'];
}

/** Runs `body`; where a launcher started this process, what went wrong is told to it, and said there. */
export async function asRank<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    const { en, zh } = errorMessage(error);
    const { tellLauncher } = await import('@tunan/training');
    const { code } = (error ?? {}) as { code?: unknown };
    throw tellLauncher({ code, en, zh: zh ?? en }) ? new AlreadySaid() : error;
  }
}

function wholeNumber(name: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new UsageError(
    text(`--${name} takes a whole number of at least ${least}`, `--${name} 应为不小于 ${least} 的整数`),
  );
}
