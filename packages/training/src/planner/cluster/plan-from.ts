/** A plan from what a person gives: a run recipe or a number of parameters, and devices by name. */
import { availableParallelism } from 'node:os';
import { padVocabulary } from '@tunan/model';
import { hintAt } from '@tunan/protocol/mistakes';
import { hasFastBfloat16 } from '@tunan/torch';
import { TrainingError } from '../../errors.ts';
import { planRun } from '../../recipe/plan.ts';
import { readNamedRecipe, readRunRecipe } from '../../recipe/read.ts';
import type { RunRecipe } from '../../recipe/schema.ts';
import { CPU, cpuDevice, DEVICES, type Device } from './devices.ts';
import { RUNTIMES } from './efficiency.ts';
import { devicesOf, type Layout, microBatches, misfits } from './layout.ts';
import { measureCpu } from './measure-cpu.ts';
import {
  type Journey,
  journey,
  judgeLayout,
  NARROWEST,
  type PlannedLayout,
  type PlanRequest,
  planTraining,
  suggestShapes,
  USABLE_MEMORY,
} from './plan-training.ts';
import { type ModelShape, parametersOf, shapeOf } from './shape.ts';
import { type Simulation, simulateStep } from './step-simulation.ts';

export interface PlanFromOptions {
  readonly recipe?: { readonly file: string; readonly home: string } | undefined;
  /** Instead of a recipe. */
  readonly parameters?: number | undefined;
  /** Number of devices. */
  readonly devices: number;
  /** Name of the device. */
  readonly device: string;
  readonly runtime: string;
  /** Samples a step. */
  readonly globalBatch?: number | undefined;
  readonly tokens?: number | undefined;
  /** Entries of the vocabulary, where the recipe leaves them to its data, or in place of its own. */
  readonly vocabulary?: number | undefined;
  /** "data,tensor,pipeline" to be judged beside the best. */
  readonly layout?: string | undefined;
  /** Dollars a device hour. */
  readonly price?: number | undefined;
}

export interface TrainingPlan {
  readonly shape: ModelShape;
  readonly parameters: number;
  readonly device: Device;
  readonly devices: number;
  readonly globalBatch: number;
  readonly time: number;
  readonly tokens: number;
  /** Fastest first, at most TOP of them. */
  readonly best: readonly PlannedLayout[];
  /** How many fit. */
  readonly fitting: number;
  /** The layout that was asked for, and whether its memory fits. */
  readonly asked?: { readonly planned: PlannedLayout; readonly fits: boolean } | undefined;
  readonly journey: Journey;
  /** Shapes of the asked size, fastest first. */
  readonly shapes: readonly { readonly shape: ModelShape; readonly best: PlannedLayout }[];
  /** Of the asked layout, or of the best one. */
  readonly simulation: Simulation;
}

const TOP = 10;
/** Yuan's vocabulary and context, where no recipe gives them. */
const VOCABULARY = 53_248;
const CONTEXT = 2048;
/** Tokens a parameter (Hoffmann et al. 2022). */
const TOKENS_A_PARAMETER = 20;
/** Micro batches a stage that are drawn at most. */
const DRAWN = 64;

/**
 * The device `cpu` is this machine, which is measured first, in some seconds.
 * @throws TrainingError TRAINING_BAD_PLAN with the numbers that do not fit and the nearest that do; on `cpu` TRAINING_RANK_FAILED too, where
 * processes cannot meet
 */
export async function planFrom(options: PlanFromOptions): Promise<TrainingPlan> {
  const known = named('gpu', [...DEVICES, { name: CPU }], options.device).name;
  const runtime = RUNTIMES[named('runtime', runtimeNames, options.runtime).name];
  const { devices, globalBatch: batch, tokens, vocabulary } = options;
  for (const [name, value] of Object.entries({ gpus: devices, batch, tokens, vocabulary })) {
    if (value !== undefined && !(Number.isInteger(value) && value > 0)) {
      throw badPlan({ en: `--${name} ${value}: a whole number above 0`, zh: `--${name} ${value}：应为大于 0 的整数` });
    }
  }
  if (options.price !== undefined && options.price < 0)
    throw badPlan({ en: `--price ${options.price}: 0 or more`, zh: `--price ${options.price}：不得小于 0` });
  requireSensible(options, known);
  const given = options.recipe === undefined ? fromParameters(options) : fromRecipe(options);
  const { globalBatch, time } = given;
  const device =
    known === CPU ? cpuDevice(await measureCpu(devices, given.precision)) : DEVICES.find(({ name }) => name === known)!;
  const { shape, shapes } = shapeAndRivals(options, { device, devices, globalBatch, time, runtime }, given.shape);
  const request: PlanRequest = { shape, device, devices, globalBatch, time, runtime };
  const plans = planTraining(request);
  const [fastest] = plans;
  if (fastest === undefined) throw nothingFits(request);
  const asked = options.layout === undefined ? undefined : askedLayout(options.layout, request);
  const shown = asked?.planned ?? fastest;
  return {
    shape,
    parameters: parametersOf(shape),
    device,
    devices,
    globalBatch,
    time,
    tokens: given.tokens,
    best: plans.slice(0, TOP),
    fitting: plans.length,
    asked,
    journey: journey(request, shown, given.tokens, options.price),
    shapes,
    simulation: simulate(shown, globalBatch),
  };
}

type ModelFields = Exclude<RunRecipe['model'], string>;

const runtimeNames = (Object.keys(RUNTIMES) as (keyof typeof RUNTIMES)[]).map((name) => ({ name }));

function named<T extends { readonly name: string }>(option: string, all: readonly T[], name: string): T {
  const found = all.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = all.map((one) => one.name);
  const begun = names.filter((one) => name !== '' && one.startsWith(name));
  const hint =
    begun.length === 0
      ? hintAt(name, names)
      : { en: `; did you mean ${begun.join(' or ')}?`, zh: `；是否指 ${begun.join(' 或 ')}？` };
  throw badPlan({
    en: `--${option} ${name}: there are ${names.join(', ')}${hint.en}`,
    zh: `--${option} ${name}：可选 ${names.join('、')}${hint.zh}`,
  });
}

function fromRecipe({ recipe, globalBatch, tokens, vocabulary }: PlanFromOptions) {
  const read = withVocabulary(readRunRecipe(recipe!.file, recipe!.home), recipe!, vocabulary);
  // Whether this machine has the devices does not matter to a plan.
  const plan = planRun({ ...read, device: 'cpu' }, { recipes: recipe!.home, place: recipe!.file });
  return {
    shape: shapeOf(plan.model),
    globalBatch: globalBatch ?? plan.batch.globalBatch,
    time: plan.sequenceLength,
    tokens: tokens ?? plan.samples * plan.sequenceLength,
    precision: plan.precision,
  };
}

function withVocabulary(
  recipe: RunRecipe,
  { file, home }: { file: string; home: string },
  entries?: number,
): RunRecipe {
  const { model: given } = recipe;
  const model = typeof given === 'string' ? (readNamedRecipe('model', given, home).value as ModelFields) : given;
  if (entries !== undefined) return { ...recipe, model: { ...model, vocabularySize: padVocabulary(entries) } };
  if (model.vocabularySize !== undefined) return recipe;
  throw badPlan({
    en: `${file} leaves the vocabulary to its data: give --vocabulary N, the entries of its tokenizer`,
    zh: `${file} 的词表由数据决定：请给出 --vocabulary N，即分词器的词元数`,
  });
}

/** Processes for each processor: more of them only wait for each other. */
const PROCESSES_A_CORE = 4;

/** What of the options does not go with the device. */
function requireSensible({ devices, runtime }: PlanFromOptions, device: string): void {
  if (device !== CPU) return;
  if (runtime !== 'tunan') {
    throw badPlan({
      en: `--runtime ${runtime}: on cpu only tunan trains; leave it out`,
      zh: `--runtime ${runtime}：cpu 上只有 tunan；请去掉此项`,
    });
  }
  const cores = availableParallelism();
  const most = PROCESSES_A_CORE * cores;
  if (devices <= most) return;
  throw badPlan({
    en: `--gpus ${devices}: processes on the ${cores} processor(s) of this machine; at most ${most}, and more than ${cores} only share them`,
    zh: `--gpus ${devices}：本机有 ${cores} 个处理器，最多 ${most} 个进程；超过 ${cores} 个时只是分用处理器`,
  });
}

function fromParameters({ parameters, globalBatch, tokens, devices, device }: PlanFromOptions) {
  if (!(parameters! >= 1e6)) {
    throw badPlan({ en: `--params ${parameters}: from a million on`, zh: `--params ${parameters}：须不少于一百万` });
  }
  // Two million tokens a step, and a whole number of samples for every device.
  const samples = globalBatch ?? Math.ceil(2 ** 21 / CONTEXT / devices) * devices;
  return {
    shape: undefined,
    globalBatch: samples,
    time: CONTEXT,
    tokens: tokens ?? Math.round(TOKENS_A_PARAMETER * parameters!),
    precision: device === CPU && hasFastBfloat16() ? ('bfloat16' as const) : ('float32' as const),
  };
}

function shapeAndRivals(options: PlanFromOptions, request: Omit<PlanRequest, 'shape'>, shape: ModelShape | undefined) {
  const vocabulary = shape?.vocabulary ?? padVocabulary(options.vocabulary ?? VOCABULARY, 128 * 8);
  const wanted = options.parameters ?? parametersOf(shape!);
  // A model of this machine is given, not designed.
  const isGiven = shape !== undefined && request.device.cpu !== undefined;
  const shapes = isGiven ? [] : suggestShapes({ ...request, vocabulary, isGated: shape?.isGated ?? false }, wanted);
  const rivals = shapes.filter((rival) => rival.shape.layers !== shape?.layers || rival.shape.width !== shape.width);
  const chosen = shape ?? shapes[0]?.shape;
  if (chosen !== undefined) return { shape: chosen, shapes: rivals };
  const [asked, there] = [short(wanted), `${request.devices} x ${request.device.name}`];
  const table = NARROWEST * vocabulary;
  if (2 * table > wanted) {
    throw badPlan({
      en: `--params ${wanted}: a vocabulary of ${vocabulary} takes ${short(table)} of them at least; give a smaller --vocabulary, or from ${short(2 * table)} on`,
      zh: `--params ${wanted}：${vocabulary} 的词表至少占 ${short(table)} 参数；请减小 --vocabulary，或给 ${short(2 * table)} 以上`,
    });
  }
  throw badPlan({
    en: `no model of ${asked} parameters fits ${there}: take more devices, or a --batch with more divisors`,
    zh: `${there} 放不下 ${asked} 参数的模型：请增加设备，或换因数更多的 --batch`,
  });
}

function askedLayout(given: string, request: PlanRequest) {
  const { shape, device, devices, globalBatch } = request;
  const parts = given.split(',').map(Number);
  const [data, tensor, pipeline] = parts as [number, number, number];
  if (parts.length !== 3 || parts.some((part) => !(Number.isInteger(part) && part > 0))) {
    throw badPlan({
      en: `--layout ${given}: three numbers, as in 7,8,38`,
      zh: `--layout ${given}：应为三个数，如 7,8,38`,
    });
  }
  if (devicesOf({ data, tensor, pipeline }) !== devices) {
    const product = data * tensor * pipeline;
    throw badPlan({
      en: `--layout ${given}: ${data} x ${tensor} x ${pipeline} = ${product} devices, not ${devices}`,
      zh: `--layout ${given}：${data} × ${tensor} × ${pipeline} = ${product} 个设备，而不是 ${devices} 个`,
    });
  }
  const fixed = { data, tensor, pipeline };
  const [best] = planTraining({ ...request, fixed });
  if (best !== undefined) return { planned: best, fits: true };
  // Nothing fits: say what does not divide, or judge the leanest anyhow.
  const lean: Layout = {
    ...fixed,
    microBatch: 1,
    chunks: 1,
    recomputation: 'full',
    sequenceParallel: tensor > 1,
    shardedOptimizer: data > 1,
  };
  const [misfit] = misfits(shape, lean, globalBatch);
  if (misfit !== undefined)
    throw badPlan({ en: `--layout ${given}: ${misfit.en}`, zh: `--layout ${given}：${misfit.zh}` });
  const planned = judgeLayout(request, lean);
  return { planned, fits: planned.memory.total <= USABLE_MEMORY * device.memory };
}

function nothingFits(request: PlanRequest): TrainingError {
  const { shape, device, devices, globalBatch } = request;
  const need = Math.ceil((18 * parametersOf(shape)) / (USABLE_MEMORY * device.memory));
  const near = nearestDevices(request, need);
  const [nearEn, nearZh] =
    near.length === 0
      ? ['take more devices, or a --batch with more divisors', '请增加设备，或换因数更多的 --batch']
      : [`nearest that fit: ${near.join(', ')}`, `最接近的可行数：${near.join('、')}`];
  const [size, given] = [short(parametersOf(shape)), `${devices} x ${device.name}`];
  if (device.cpu !== undefined) {
    return badPlan({
      en: `no layout of ${size} parameters fits ${devices} processes of this machine with a batch of ${globalBatch}: give another --gpus or --batch, or a smaller model`,
      zh: `批量 ${globalBatch} 时，${size} 参数的模型在本机 ${devices} 个进程上没有可行布局：请换 --gpus 或 --batch，或换更小的模型`,
    });
  }
  return badPlan({
    en: `no layout of ${size} parameters fits ${given} with a batch of ${globalBatch}: weights and optimizer alone take ${need} of them; ${nearEn}`,
    zh: `批量 ${globalBatch} 时，${size} 参数的模型在 ${given} 上没有可行布局：仅权重与优化器就需 ${need} 个；${nearZh}`,
  });
}

/** Numbers of devices that are tried in either direction. */
const TRIED = 100;

/** Below and above the given one. */
function nearestDevices(request: PlanRequest, need: number): number[] {
  const { shape, device, devices, globalBatch } = request;
  const fits = (count: number) => planTraining({ ...request, devices: count }).length > 0;
  const tried = Array.from({ length: TRIED }, (_, at) => at);
  const most = globalBatch * shape.layers * device.perServer;
  const below = Math.min(devices - 1, most);
  const above = Math.max(devices + 1, need);
  return [
    tried.map((at) => below - at).find((count) => count >= need && fits(count)),
    tried.map((at) => above + at).find((count) => count <= most && fits(count)),
  ].filter((count) => count !== undefined);
}

function simulate({ layout, step }: PlannedLayout, globalBatch: number): Simulation {
  const { pipeline, chunks } = layout;
  const all = microBatches(layout, globalBatch);
  const least = chunks > 1 ? pipeline : 1;
  const microBatchesDrawn = Math.min(all, Math.max(least, Math.floor(DRAWN / least) * least));
  return simulateStep({ stages: pipeline, chunks, microBatches: microBatchesDrawn }, step.piece);
}

function short(parameters: number): string {
  return parameters >= 1e9 ? `${(parameters / 1e9).toFixed(1)} B` : `${(parameters / 1e6).toFixed(0)} M`;
}

function badPlan(said: { en: string; zh: string }): TrainingError {
  return new TrainingError('TRAINING_BAD_PLAN', said);
}
