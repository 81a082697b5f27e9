/**
 * Collectives that gradients flow through: the conjugate pairs of Megatron (Shoeybi et al. 2019, arXiv 1909.08053; for sequence parallelism
 * Korthikanti et al. 2022, arXiv 2205.05198). Each waits. Over a group of one they are the identity, without a copy.
 */
import { operation } from './operation.ts';
import type { ProcessGroup } from './process-group.ts';
import { Tensor } from './tensor.ts';

const wrap = (handle: Tensor['handle']) => new Tensor(handle);
const operators = {
  copy: operation<Tensor>('tunan::copy_to_group', wrap),
  reduce: operation<Tensor>('tunan::reduce_from_group', wrap),
  gather: operation<Tensor>('tunan::gather_from_group', wrap),
  scatter: operation<Tensor>('tunan::scatter_to_group', wrap),
  allGather: operation<Tensor>('tunan::all_gather_in_group', wrap),
  reduceScatter: operation<Tensor>('tunan::reduce_scatter_in_group', wrap),
};

/** Forward the identity, backward an all-reduce: before a column-parallel map. */
export function copyToGroup(x: Tensor, group: ProcessGroup): Tensor {
  return group.size === 1 ? x : operators.copy(x, group.number);
}

/** Forward an all-reduce, backward the identity: behind a row-parallel map. */
export function reduceFromGroup(x: Tensor, group: ProcessGroup): Tensor {
  return group.size === 1 ? x : operators.reduce(x, group.number);
}

/** Forward an all-gather along `dim`, backward the own part: every rank goes on alike. */
export function gatherFromGroup(x: Tensor, group: ProcessGroup, dim: number): Tensor {
  return group.size === 1 ? x : operators.gather(x, group.number, dim);
}

/** Forward the own part along `dim`, backward an all-gather. */
export function scatterToGroup(x: Tensor, group: ProcessGroup, dim: number): Tensor {
  return group.size === 1 ? x : operators.scatter(x, group.number, dim);
}

/** Forward an all-gather along `dim`, backward a reduce-scatter: each rank goes on its own way, as behind a sequence-parallel norm. */
export function allGatherInGroup(x: Tensor, group: ProcessGroup, dim: number): Tensor {
  return group.size === 1 ? x : operators.allGather(x, group.number, dim);
}

/** Forward a reduce-scatter along `dim`, backward an all-gather: into a sequence-parallel part. */
export function reduceScatterInGroup(x: Tensor, group: ProcessGroup, dim: number): Tensor {
  return group.size === 1 ? x : operators.reduceScatter(x, group.number, dim);
}
