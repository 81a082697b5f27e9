/** The part of a plan that says how one copy of the model is laid over processes, and what of a recipe cannot be laid so. */
import { type ModelConfig, sizesOf } from '@tunan/model';
import type { Mistake } from '@tunan/protocol/mistakes';
import { TrainingError } from '../errors.ts';
import type { MeshShape } from '../parallel/mesh-shape.ts';
import type { ParallelPlan } from '../parallel/model-share.ts';
import { tensorMisfits } from '../parallel/tensor-partition.ts';
import type { BatchSchedule } from './schedule.ts';
import type { ParsedRecipe } from './schema.ts';

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

/**
 * What the number of copies decides.
 * @throws TrainingError TRAINING_BAD_LAYOUT with the numbers that do not fit
 */
export function requireLayout(
  { parallel, batch, microBatch }: { parallel: ParallelPlan; batch: BatchSchedule; microBatch: number },
  mesh: MeshShape,
): void {
  const { tensor, pipeline, chunks } = parallel;
  if (mesh.tensor !== tensor || mesh.pipeline !== pipeline) {
    const [asked, there] = [`${tensor} x ${pipeline}`, `${mesh.tensor} x ${mesh.pipeline}`];
    throw new TrainingError('TRAINING_BAD_LAYOUT', {
      en: `the recipe asks for ${asked} processes a model (tensor x pipeline), these are ${there}: start them by tunan train run --nproc, or with as many processes as a multiple of ${tensor * pipeline}`,
      zh: `配方要求每个模型 ${asked} 个进程（张量 × 流水线），而现为 ${there}：请用 tunan train run --nproc 启动，或启动 ${tensor * pipeline} 的整数倍个进程`,
    });
  }
  if (chunks === 1) return;
  const { globalBatch, ramp } = batch;
  const wanted = mesh.data * microBatch * pipeline;
  for (const size of [globalBatch, ...(ramp === undefined ? [] : [ramp.start, ramp.increment])]) {
    if (size % wanted === 0) continue;
    const near = nearestMultiples(size, wanted).join(', ');
    throw new TrainingError('TRAINING_BAD_LAYOUT', {
      en: `an interleaved pipeline of ${pipeline} stages takes micro batches ${pipeline} at a time on each of ${mesh.data} copies: a step of ${size} samples is not divisible by ${wanted}; nearest that are: ${near}`,
      zh: `${pipeline} 段的交错流水线在 ${mesh.data} 份模型上每次各取 ${pipeline} 个微批：每步 ${size} 个样本不能被 ${wanted} 整除；最接近的可行值：${near}`,
    });
  }
}

function nearestMultiples(value: number, of: number): number[] {
  const below = Math.floor(value / of) * of;
  return [below, below + of].filter((one) => one > 0);
}
