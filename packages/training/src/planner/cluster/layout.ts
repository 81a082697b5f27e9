/** How a model is laid over devices, and which layouts fit together. */
import type { Recomputation } from '@tunan/model';
import type { ModelShape } from './shape.ts';

export type { Recomputation };

export interface Layout {
  /** d: copies of the model. */
  readonly data: number;
  /** t: devices that share each product. */
  readonly tensor: number;
  /** p: stages of layers one behind the other. */
  readonly pipeline: number;
  /** v: pieces of a stage, one from each round of layers (interleaved schedule); 1 is 1F1B. */
  readonly chunks: number;
  /** b: samples that go through a stage at once. */
  readonly microBatch: number;
  readonly recomputation: Recomputation;
  /** Norms and the residual stream are divided among the tensor's devices too. */
  readonly sequenceParallel: boolean;
  /** ZeRO-1: every copy keeps its share of the optimizer's state. */
  readonly shardedOptimizer: boolean;
}

/** Micro batches that each copy runs in a step. */
export function microBatches({ data, microBatch }: Pick<Layout, 'data' | 'microBatch'>, globalBatch: number): number {
  return globalBatch / (data * microBatch);
}

export function devicesOf({ data, tensor, pipeline }: Pick<Layout, 'data' | 'tensor' | 'pipeline'>): number {
  return data * tensor * pipeline;
}

/** What does not divide, in words with the numbers; empty for a layout that can run. */
export function misfits(shape: ModelShape, layout: Layout, globalBatch: number): { en: string; zh: string }[] {
  const { data, tensor, pipeline, chunks, microBatch } = layout;
  const found: { en: string; zh: string }[] = [];
  const demand = (whole: number, part: number, [en, zh]: readonly [string, string]) => {
    if (whole % part === 0) return;
    const near = nearestDivisors(whole, part).join(', ');
    found.push({
      en: `${en}: ${whole} is not divisible by ${part}; nearest that is: ${near}`,
      zh: `${zh}：${whole} 不能被 ${part} 整除；最接近的可行值：${near}`,
    });
  };
  demand(shape.heads, tensor, ['heads over tensor', '注意力头数 / 张量并行']);
  if (shape.kvHeads >= tensor) demand(shape.kvHeads, tensor, ['key/value heads over tensor', '键值头数 / 张量并行']);
  else demand(tensor, shape.kvHeads, ['tensor over key/value heads', '张量并行 / 键值头数']);
  demand(shape.mlpWidth, tensor, ['width of the MLP over tensor', 'MLP 宽度 / 张量并行']);
  demand(shape.vocabulary, tensor, ['vocabulary over tensor (pad it to 128 t)', '词表 / 张量并行（补齐到 128 t）']);
  demand(shape.layers, pipeline * chunks, ['layers over pipeline x chunks', '层数 / 流水线 × 块数']);
  demand(globalBatch, data * microBatch, ['global batch over data x micro batch', '全局批 / 数据并行 × 微批']);
  if (chunks > 1 && found.length === 0) {
    demand(microBatches(layout, globalBatch), pipeline, [
      'micro batches over pipeline (interleaved)',
      '微批数 / 流水线（交错）',
    ]);
  }
  return found;
}

/** Pieces of a stage that are worth trying: more of them send more often. */
const MOST_CHUNKS = 4;

/** Into how many pieces a stage can be cut; 1 alone where micro batches do not go round the stages evenly. */
export function chunkChoices(
  { layers }: ModelShape,
  layout: Pick<Layout, 'data' | 'pipeline' | 'microBatch'>,
  globalBatch: number,
): number[] {
  const { pipeline } = layout;
  if (pipeline === 1 || microBatches(layout, globalBatch) % pipeline !== 0) return [1];
  return divisorsOf(layers / pipeline).filter((chunks) => chunks <= MOST_CHUNKS);
}

/** The divisors of `whole` just below and above `part`. */
function nearestDivisors(whole: number, part: number): number[] {
  const all = divisorsOf(whole);
  const [below, above] = [all.findLast((one) => one < part), all.find((one) => one > part)];
  return [below, above].filter((one) => one !== undefined);
}

export function divisorsOf(whole: number): number[] {
  const low: number[] = [];
  const high: number[] = [];
  for (let one = 1; one * one <= whole; one++) {
    if (whole % one !== 0) continue;
    low.push(one);
    if (one * one !== whole) high.unshift(whole / one);
  }
  return [...low, ...high];
}
