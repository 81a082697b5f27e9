/**
 * The training loop, top to bottom: train() → trainStep() → forwardBackward() (forward-backward.ts).
 *
 * What a step computes depends on the plan and the number of samples seen, on nothing else: not on the clock, not on earlier calls of a
 * random generator, and but for the order of sums not on the number of processes. So a stopped run goes on as if it had never stopped.
 * Every process of a run calls train(); what one of them does for all, and what all must agree on, is asked of the mesh. The loop gives
 * way to other work of the process between steps; it installs no signal handlers and prints nothing.
 */

import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type LanguageModel, trainingFlopsPerToken } from '@tunan/model';
import type { Said } from '@tunan/protocol/mistakes';
import { gemmPeak, prepareGraphs, requireDevice, setThreads } from '@tunan/torch';
import type { RowCounts } from './data/document-rows.ts';
import { maskId, type SourceTokenizer, TokenSources } from './data/token-source.ts';
import { TrainingError } from './errors.ts';
import { forwardBackward, joined } from './forward-backward.ts';
import { requireGraphs } from './graphed-passes.ts';
import { Mesh } from './parallel/mesh.ts';
import { ranksAtFault, sayAtFault } from './parallel/ranks-at-fault.ts';
import { requireLayout } from './recipe/parallel-plan.ts';
import { planHash, planRun, type RunPlan, recipeCorpora, type TaskEvaluation } from './recipe/plan.ts';
import { batchAt, decayShareAt, learningRateAt } from './recipe/schedule.ts';
import type { RunRecipe } from './recipe/schema.ts';
import { lastGood } from './run/checkpoint.ts';
import { CheckpointWriter, type GiveFiles } from './run/checkpoint-writer.ts';
import { findInitialWeights } from './run/initial-weights.ts';
import type { StepReport } from './run/progress.ts';
import { Reports } from './run/reports.ts';
import { type Resume, RunDirectory, readStoredPlan } from './run/run-directory.ts';
import type { LogLine } from './run/run-log.ts';
import { shardRows } from './shard-rows.ts';
import { Trainer } from './trainer.ts';
import type { TrainingRows } from './training-rows.ts';

/** Steps whose times the time left is guessed from. */
const RECENT_STEPS = 20;

export interface TrainOptions {
  readonly recipe: RunRecipe;
  /** Trained on in place of the shards that the recipe's data name. */
  readonly data?: GivenData;
  /** Directory of the run. */
  readonly directory: string;
  /** Said in errors: the file or the name of the recipe. */
  readonly recipeName?: string;
  /** Directory of named recipes, for a model given by name. */
  readonly recipes?: string;
  /**
   * Begin with the weights of this model directory, or of the newest checkpoint of this run directory, instead of fresh ones; the model is
   * then that one's. A run that goes on remembers it.
   */
  readonly from?: string | undefined;
  /** 'never' when absent. */
  readonly resume?: Resume;
  /** tokenizer.json that the shards were made with, to go into every checkpoint. */
  readonly tokenizerFile?: string;
  /** Measured matrix-product speed in FLOP/s to compare with, or 'measure' to measure it first, in seconds; absent: no comparison. */
  readonly gemmPeak?: number | 'measure';
  /** When aborted the step is finished, a checkpoint saved, and train() returns. */
  readonly signal?: AbortSignal;
  /** Needed for recipes with `evaluateEvery`: training knows no tasks. */
  readonly tasks?: TaskSuites | undefined;
  /** Waited for before weights are loaded or made. */
  readonly onReady?: (plan: RunPlan, data: TrainingRows) => Promise<void>;
  /** Called before the first step. */
  readonly onStart?: (start: StartReport) => void;
  /** Called after every step. */
  readonly onProgress?: (report: StepReport) => void;
  /** The processes that train together; this one alone when absent. All are given the same options but for `gemmPeak` and the callbacks. */
  readonly mesh?: Mesh | undefined;
  /** Whether every process keeps the whole state of the optimizer, and not that of its own parameters alone (ZeRO-1). */
  readonly replicateOptimizer?: boolean;
  /** Whether the forward and backward pass of a micro batch is recorded and begun by one call (CUDA graphs); on the CPU it runs as ever. */
  readonly cudaGraphs?: boolean;
}

/** Data that are no token shards. */
export interface GivenData {
  readonly tokenizer: SourceTokenizer;
  /** As a plan lays them out. */
  rows(plan: RunPlan): TrainingRows;
}

/** The tasks that a program can score while a model is trained. */
export interface TaskSuites {
  /** What `evaluateEvery.suite` of a recipe may be. */
  readonly names: readonly string[];
  /** Opens what `evaluateEvery` names, before the first step, so that what is wrong with it shows then. */
  open(request: TaskEvaluation): Promise<TaskScorer>;
}

/** Accuracies of a model by name of the task; it neither keeps nor changes the model. An aborted one may throw. */
export type TaskScorer = (model: LanguageModel, signal?: AbortSignal) => Promise<Readonly<Record<string, number>>>;

export interface StartReport {
  /** As this machine carries it out. */
  readonly plan: RunPlan;
  /** The checkpoint that the run goes on from; absent where it begins. */
  readonly checkpoint?: string | undefined;
  /** Steps done there, 0 where it begins. */
  readonly step: number;
  /** Newer checkpoints that were damaged, under the names that they now have. */
  readonly damaged: readonly string[];
  /** What becomes of the documents of each source; empty where they are laid end to end. */
  readonly rows: readonly (RowCounts & { readonly source: string })[];
}

export interface TrainResult {
  /** 'stopped': by the signal, before the last step. */
  readonly status: 'finished' | 'stopped';
  readonly step: number;
  readonly plan: RunPlan;
  /** A model directory; where an adapter was trained, that one's. */
  readonly checkpoint: string;
  /** The last line of the log; absent when no step was done. */
  readonly lastLine?: LogLine | undefined;
}

/**
 * Trains a model from scratch or from another's weights, or goes on with a run.
 * @throws TrainingError for everything a user can fix: recipe, data, directory, damaged checkpoint, full disk, diverged loss; TorchError
 * TORCH_RANK_LOST where another process of the run is gone
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const mesh = options.mesh ?? Mesh.alone();
  try {
    return await trainIn(mesh, options);
  } catch (error) {
    throw mesh.fail(error);
  }
}

async function trainIn(mesh: Mesh, options: TrainOptions): Promise<TrainResult> {
  const { tokenizerFile, resume = 'never' } = options;
  using shards =
    options.data === undefined ? new TokenSources(recipeCorpora(options.recipe, options.recipeName)) : undefined;
  if (tokenizerFile !== undefined) shards?.requireTokenizer(tokenizerFile);
  const plan = makePlan(options, (options.data ?? shards)!.tokenizer);
  requireLayout(plan, mesh.shape);
  mesh.requireSame({ en: 'recipes', zh: '配方' }, planHash(plan));
  requireDevice(plan.device);
  if (plan.preference !== undefined && options.data === undefined)
    throw new TrainingError('TRAINING_BAD_RECIPE', {
      en: 'preference: token shards hold no pairs of answers; tune on {prompt, chosen, rejected} with tunan train tune',
      zh: 'preference：词元分片中没有偏好对；请以 tunan train tune 在 {prompt, chosen, rejected} 上微调',
    });
  const data = options.data?.rows(plan) ?? shardRows(shards!.list, plan);
  const graphed = options.cudaGraphs === true;
  if (graphed) {
    requireGraphs(plan, data);
    prepareGraphs(plan.device);
  }
  const scoreTasks = mesh.isFirst ? await openTasks(plan, options) : undefined;
  using run = await RunDirectory.open(mesh, options.directory, plan, resume);
  if (plan.threads !== undefined) setThreads(plan.threads);

  await options.onReady?.(plan, data);
  const found = await run.takeCheckpoint(mesh);
  const exchange = { mesh, sharded: options.replicateOptimizer !== true, graphed };
  using trainer =
    found === undefined
      ? Trainer.fresh(plan, exchange)
      : Trainer.fromCheckpoint(plan, found.good, data.prints, run.planHashes, exchange);
  options.onStart?.({
    plan,
    checkpoint: found?.good.directory,
    step: trainer.step,
    damaged: found?.damaged ?? [],
    rows: data.counts.map((counts, index) => ({ source: data.names[index]!, ...counts })),
  });
  const peak = trainer.step < plan.steps ? peakToCompareWith(plan, options.gemmPeak) : undefined;
  const pace = new Pace();
  using reports = mesh.isFirst ? new Reports(run, trainer.step) : undefined;
  const lastReported = await mesh.once(() => reports?.last);
  const heard = mesh.heard(options.signal);
  const isAsked = () => mesh.any(options.signal?.aborted === true);
  /** Evaluates what is due after the step and has not been done; a signal ends it, and the run that goes on does it then. */
  const evaluateStep = async (line: LogLine): Promise<LogLine> => {
    const evaluated = { ...line };
    if (isDue(plan.evaluation?.every, trainer.step, plan.steps))
      evaluated.evaluation ??= await data.evaluate(trainer.way, heard, mesh);
    if (isDue(plan.evaluateEvery?.steps, trainer.step, plan.steps) && heard?.aborted !== true)
      evaluated.tasks ??= await mesh.once(() =>
        unlessAborted(
          trainer.withWholeModel((model) => scoreTasks!(model, heard)),
          heard,
        ),
      );
    if (evaluated.evaluation !== line.evaluation || evaluated.tasks !== line.tasks) reports?.amend(evaluated);
    return evaluated;
  };
  const { every, keep, background } = plan.checkpoint;
  await using checkpoints = new CheckpointWriter(mesh, { directory: run.checkpoints, keep, log: run.log });
  const give: GiveFiles = (put) => trainer.giveFiles(put, tokenizerFile);
  const settle = async () => {
    trainer.lastCheckpoint = (await checkpoints.settle()) ?? trainer.lastCheckpoint;
  };
  /** Where the run is, unless that is on disk already. @param behind whether a thread writes it, while training goes on */
  const save = async (behind: boolean): Promise<void> => {
    run.requireHeld();
    await settle();
    if (trainer.lastCheckpoint === path.join(run.checkpoints, `step-${trainer.step}`)) return;
    if (behind) return checkpoints.start(trainer.position(data.prints), give);
    reports?.sync();
    trainer.lastCheckpoint = checkpoints.write(trainer.position(data.prints), give);
  };

  const step = async (): Promise<LogLine> => {
    try {
      return trainStep(trainer, data, peak);
    } catch (error) {
      if (!(error instanceof NotFinite)) throw error;
      await settle(); // the checkpoint on its way is of weights that were good
      throw diverged(trainer, error);
    }
  };

  let lastLine: LogLine | undefined;
  /** By the checkpoint of the step before, milliseconds. */
  let held: number | undefined;
  if (lastReported !== undefined) await evaluateStep(lastReported);
  while (trainer.step < plan.steps && !isAsked()) {
    lastLine = heldUp(await step(), held);
    run.requireHeld();
    reports?.add(lastLine);
    trainer.lastCheckpoint = checkpoints.look() ?? trainer.lastCheckpoint;
    // Saved, and on the disk, before tasks are scored, which may fail or take all memory.
    const scored = isDue(plan.evaluateEvery?.steps, trainer.step, plan.steps);
    held = undefined;
    if (scored || isDue(every, trainer.step, plan.steps)) {
      const began = performance.now();
      await save(background && !scored && trainer.step < plan.steps);
      held = performance.now() - began;
    }
    lastLine = await evaluateStep(lastLine);
    const secondsLeft = pace.secondsLeft(lastLine, plan);
    options.onProgress?.({ line: lastLine, steps: plan.steps, secondsLeft });
    await setImmediate();
  }
  await save(false);
  return {
    status: trainer.step < plan.steps ? 'stopped' : 'finished',
    step: trainer.step,
    plan,
    checkpoint: trainer.lastCheckpoint!,
    lastLine,
  };
}

/** What a run that goes on does not repeat is taken from its own recipe.json: the model that it began with. */
function makePlan(options: TrainOptions, dataTokenizer: SourceTokenizer): RunPlan {
  const { recipes, recipeName: place, tokenizerFile, resume = 'never' } = options;
  const masks = options.recipe.prefix?.mask !== undefined && tokenizerFile !== undefined;
  const tokenizer = { ...dataTokenizer, ...(masks && { mask: maskId(tokenizerFile) }) };
  const stored = resume === 'never' ? undefined : readStoredPlan(options.directory);
  const given = options.from;
  if (stored !== undefined && given !== undefined) requireSameBeginning(options.directory, stored, given);
  const begun = stored?.from && { ...stored.from, config: stored.model };
  const from = begun ?? (given === undefined ? undefined : findInitialWeights(given, tokenizer, tokenizerFile));
  return planRun(options.recipe, { recipes, tokenizer, suites: options.tasks?.names, place, from });
}

function requireSameBeginning(directory: string, { from }: RunPlan, given: string): void {
  if (from !== undefined && `${from.directory}${path.sep}`.startsWith(`${path.resolve(given)}${path.sep}`)) return;
  const began = from === undefined ? ['fresh weights', '新初始化的权重'] : [from.directory, from.directory];
  throw new TrainingError('TRAINING_OTHER_RECIPE', {
    en: `${directory} holds a run that began with ${began[0]}, not ${given}: go on with it without --from, or choose another output directory`,
    zh: `${directory} 中的训练始于${began[1]}，而不是 ${given}：请不带 --from 继续，或换一个输出目录`,
  });
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (signal?.aborted) return undefined; // it ended because it was asked to
    throw error;
  }
}

function peakToCompareWith({ precision, device }: RunPlan, peak: TrainOptions['gemmPeak']): number | undefined {
  // Float16 is multiplied as float32 on the CPU.
  const dtype = precision === 'float16' && device === 'cpu' ? 'float32' : precision;
  return peak === 'measure' ? gemmPeak(dtype, { device, sizes: [512, 1024, 2048], seconds: 2 }) : peak;
}

/** One update of the weights, and the line that tells of it. */
function trainStep(trainer: Trainer, data: TrainingRows, peak: number | undefined): LogLine {
  const { plan, optimizer, exchange, mesh } = trainer;
  const began = performance.now();
  const batch = batchAt(plan.batch, trainer.samples);
  const learningRate = learningRateAt(plan.learningRate, trainer.samples + batch);
  const { dataMilliseconds, ...own } = forwardBackward(trainer, data, batch);
  exchange.sum();
  const { losses, measures } = joined(trainer, own);
  const counted = losses.reduce((sum, { count }) => sum + count, 0);
  const loss = losses.reduce((sum, { sum: part }) => sum + part, 0) / counted;
  const updateBegan = performance.now();
  const lossScale = trainer.lossScale?.scale;
  const gradientNorm = exchange.clip(plan.optimizer.clip, lossScale);
  // The forward pass is not scaled: no scale helps it.
  if (!Number.isFinite(loss))
    throw notFinite(trainer, data, batch, { en: `the loss is ${loss}`, zh: `损失为 ${loss}` });
  // One answer for all ranks, here and for leaps, whatever the last digits of their sums.
  const overflows = lossScale !== undefined && mesh.any(!Number.isFinite(gradientNorm));
  if (trainer.lossScale?.take(overflows) === false)
    throw new NotFinite({
      en: `gradients overflow float16 at a loss scale of ${lossScale}, and halved it would be below 1`,
      zh: `损失缩放为 ${lossScale} 时梯度仍超出 float16 的范围，再减半则小于 1`,
    });
  if (!overflows && !Number.isFinite(gradientNorm))
    throw notFinite(trainer, data, batch, {
      en: `the gradient norm is ${gradientNorm}`,
      zh: `梯度范数为 ${gradientNorm}`,
    });
  const leaps = !overflows && trainer.spikes !== undefined && mesh.any(trainer.spikes.take({ loss, gradientNorm }));
  const isSkipped = overflows || leaps;
  if (!isSkipped) {
    optimizer.step(learningRate, decayShareAt(plan.optimizer.weightDecayShape, trainer.samples + batch, plan.samples));
    exchange.spread();
  }
  optimizer.zeroGrad();
  trainer.step++;
  trainer.samples += batch;

  const ended = performance.now();
  const tokensPerSecond = (batch * plan.sequenceLength * 1000) / (ended - began);
  const flops = trainingFlopsPerToken(plan.model, plan.sequenceLength);
  return {
    step: trainer.step,
    samples: trainer.samples,
    tokens: trainer.samples * plan.sequenceLength,
    ...(counted < batch && { targets: Math.round(counted * plan.sequenceLength) }),
    loss,
    lossBySource: Object.fromEntries(
      losses.flatMap(({ sum, count }, source) => (count === 0 ? [] : [[data.names[source]!, sum / count]])),
    ),
    ...(data.objective !== undefined && { measures }),
    ...(!overflows && { gradientNorm }),
    ...(isSkipped && { skipped: true }),
    ...(lossScale !== undefined && { lossScale }),
    learningRate,
    tokensPerSecond,
    gemmShare: peak === undefined ? undefined : (tokensPerSecond * flops) / (peak * mesh.world.size),
    milliseconds: {
      data: dataMilliseconds,
      forwardBackward: updateBegan - began - dataMilliseconds,
      optimizer: ended - updateBegan,
      total: ended - began,
    },
  };
}

function heldUp(line: LogLine, checkpoint: number | undefined): LogLine {
  return checkpoint === undefined ? line : { ...line, milliseconds: { ...line.milliseconds, checkpoint } };
}

function isDue(every: number | undefined, step: number, steps: number): boolean {
  return every !== undefined && (step % every === 0 || step === steps);
}

async function openTasks({ evaluateEvery }: RunPlan, options: TrainOptions): Promise<TaskScorer | undefined> {
  if (evaluateEvery === undefined) return undefined;
  if (options.tasks !== undefined) return options.tasks.open(evaluateEvery);
  throw new TrainingError('TRAINING_BAD_RECIPE', {
    en: 'evaluateEvery: this program scores no tasks; train with tunan train run, or give tasks to train()',
    zh: 'evaluateEvery：此程序不评测任务；请用 tunan train run 训练，或为 train() 提供 tasks',
  });
}

/** Thrown before the update, so that the weights in memory are still those of the step before. On every rank the same. */
class NotFinite extends Error {
  readonly said: Said;

  constructor(said: Said) {
    super(said.en);
    this.said = said;
  }
}

/** @param what is not finite */
function notFinite(trainer: Trainer, data: TrainingRows, batch: number, what: Said): NotFinite {
  const { mesh, exchange, optimizer } = trainer;
  const again = () => {
    optimizer.zeroGrad();
    const { losses } = forwardBackward(trainer, data, batch);
    const areFinite = losses.every(({ sum }) => Number.isFinite(sum)) && exchange.hasFiniteGradients();
    exchange.sum();
    return areFinite;
  };
  const { size } = mesh.world;
  const where = sayAtFault(size === 1 ? [] : ranksAtFault(mesh, again), size);
  return new NotFinite({ en: `${what.en}${where.en}`, zh: `${what.zh}${where.zh}` });
}

function diverged({ step, lastCheckpoint }: Trainer, { said }: NotFinite): TrainingError {
  const good = lastGood(lastCheckpoint);
  return new TrainingError('TRAINING_NON_FINITE_LOSS', {
    en: `step ${step + 1}: ${said.en}; ${good.en}; lower the learning rate or lengthen the warm-up`,
    zh: `第 ${step + 1} 步：${said.zh}；${good.zh}；请降低学习率或延长预热`,
  });
}

/** Guesses the time left from the tokens a second of the last steps. */
class Pace {
  readonly #recent: { tokens: number; milliseconds: number }[] = [];
  #tokensBefore: number | undefined;

  secondsLeft(line: LogLine, plan: RunPlan): number {
    const milliseconds = line.milliseconds.total;
    const tokens = line.tokens - (this.#tokensBefore ?? line.tokens - (line.tokensPerSecond * milliseconds) / 1000);
    this.#tokensBefore = line.tokens;
    this.#recent.push({ tokens, milliseconds });
    if (this.#recent.length > RECENT_STEPS) this.#recent.shift();
    const sum = (pick: (step: { tokens: number; milliseconds: number }) => number) =>
      this.#recent.reduce((total, step) => total + pick(step), 0);
    const left = plan.samples * plan.sequenceLength - line.tokens;
    return (left * sum((step) => step.milliseconds)) / sum((step) => step.tokens) / 1000;
  }
}
