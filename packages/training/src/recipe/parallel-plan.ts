/** The part of a plan that says how one copy of the model is laid over processes, and what of a recipe cannot be laid so. */
import { type ModelConfig, sizesOf } from '@tunan/model';
import type { Mistake } from '@tunan/protocol/mistakes';
import { TrainingError } from '../errors.ts';
import type { MeshShape } from '../parallel/mesh-shape.ts';
import type { ParallelPlan } from '../parallel/model-share.ts';
import { tensorMisfits } from '../parallel/tensor-partition.ts';
import type { BatchSchedule } from './schedule.ts';
import type { ParsedRecipe, RunRecipe } from './schema.ts';

export function parallelMistakes(
  { parallel, sequenceLength }: ParsedRecipe,
  model: ModelConfig | undefined,
): Mistake[] {
  const { tensor, pipeline, chunks, sequenceParallel } = parallel;
  const mistakes: Mistake[] = [];
  const refuse = (path: string, en: string, zh: string) => mistakes.push({ path: `parallel.${path}`, en, zh });
  if (model !== undefined) {
    for (const { en, zh } of tensorMisfits(model, tensor)) mistakes.push({ path: 'parallel', en, zh });
    const { layers } = sizesOf(model);
    if (pipeline * chunks > layers) {
      const most = Math.floor(layers / chunks);
      const [en, zh] = [
        `${pipeline} stages of ${chunks} pieces, but ${layers} layers: at most ${most}`,
        `${pipeline} 段 × ${chunks} 块，而只有 ${layers} 层：最多 ${most} 段`,
      ];
      refuse('pipeline', en, zh);
    }
  }
  if (chunks > 1 && pipeline === 1)
    refuse('chunks', 'without stages there are no pieces of them', '没有流水线，便没有分块');
  if (sequenceParallel && sequenceLength % tensor !== 0) {
    const near = nearestMultiples(sequenceLength, tensor).join(', ');
    refuse(
      'sequenceParallel',
      `sequenceLength ${sequenceLength} is not divisible by tensor ${tensor}; nearest that are: ${near}`,
      `sequenceLength ${sequenceLength} 不能被 tensor ${tensor} 整除；最接近的可行值：${near}`,
    );
  }
  return mistakes;
}

/** What of a plan the number of copies must fit. */
interface LaidSteps {
  readonly parallel: Pick<ParallelPlan, 'pipeline' | 'chunks'>;
  readonly batch: BatchSchedule;
  readonly microBatch: number;
}

/**
 * What the number of copies decides.
 * @throws TrainingError TRAINING_BAD_LAYOUT with the numbers that do not fit
 */
export function requireLayout(
  { parallel, batch, microBatch }: LaidSteps & { readonly parallel: ParallelPlan },
  mesh: MeshShape,
): void {
  const { tensor, pipeline } = parallel;
  if (mesh.tensor !== tensor || mesh.pipeline !== pipeline) {
    const [asked, there] = [`${tensor} x ${pipeline}`, `${mesh.tensor} x ${mesh.pipeline}`];
    throw new TrainingError('TRAINING_BAD_LAYOUT', {
      en: `the recipe asks for ${asked} processes a model (tensor x pipeline), these are ${there}: start them by tunan train run --nproc, or with as many processes as a multiple of ${tensor * pipeline}`,
      zh: `配方要求每个模型 ${asked} 个进程（张量 × 流水线），而现为 ${there}：请用 tunan train run --nproc 启动，或启动 ${tensor * pipeline} 的整数倍个进程`,
    });
  }
  const misfit = stepThatMisfits({ parallel, batch, microBatch }, mesh.data);
  if (misfit === undefined) return;
  const { size, wanted } = misfit;
  const near = nearestMultiples(size, wanted).join(', ');
  throw new TrainingError('TRAINING_BAD_LAYOUT', {
    en: `an interleaved pipeline of ${pipeline} stages takes micro batches ${pipeline} at a time on each of ${mesh.data} copies: a step of ${size} samples is not divisible by ${wanted}; nearest that are: ${near}`,
    zh: `${pipeline} 段的交错流水线在 ${mesh.data} 份模型上每次各取 ${pipeline} 个微批：每步 ${size} 个样本不能被 ${wanted} 整除；最接近的可行值：${near}`,
  });
}

/** The first size of a step that so many copies of the model cannot divide, and what would have to divide it. */
function stepThatMisfits(
  { parallel: { pipeline, chunks }, batch: { globalBatch, ramp }, microBatch }: LaidSteps,
  copies: number,
): { readonly size: number; readonly wanted: number } | undefined {
  if (chunks === 1) return undefined; // micro batches are dealt out, uneven counts included
  const wanted = copies * microBatch * pipeline;
  const sizes = [globalBatch, ...(ramp === undefined ? [] : [ramp.start, ramp.increment])];
  const size = sizes.find((one) => one % wanted !== 0);
  return size === undefined ? undefined : { size, wanted };
}

/**
 * Numbers of processes up to `most` that a run can have, ascending: whole copies of the model, over which every step can be divided.
 * @param recipe of which nothing is checked here
 */
export function fittingRanks(
  {
    parallel = {},
    microBatch,
    globalBatch,
    batchRamp,
  }: Pick<RunRecipe, 'parallel' | 'microBatch' | 'globalBatch' | 'batchRamp'>,
  most: number,
): number[] {
  const { tensor = 1, pipeline = 1, chunks = 1 } = parallel;
  const steps = { parallel: { pipeline, chunks }, batch: { globalBatch, ramp: batchRamp }, microBatch };
  const copies = Array.from({ length: Math.floor(most / (tensor * pipeline)) }, (_, at) => at + 1);
  return copies
    .filter((count) => stepThatMisfits(steps, count) === undefined)
    .map((count) => count * tensor * pipeline);
}

function nearestMultiples(value: number, of: number): number[] {
  const below = Math.floor(value / of) * of;
  return [below, below + of].filter((one) => one > 0);
}
