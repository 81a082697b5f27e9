/**
 * libtorch for TypeScript.
 *
 * @module @tunan/torch
 */
export { AdamW, type AdamWOptions, type ParameterGroup } from './adamw.ts';
export { type BuildResult, buildAddon } from './build/build-addon.ts';
export { cudaHeadersHint, findLibtorch, type Libtorch, libtorchHint } from './build/find-libtorch.ts';
export * from './cached-blocks.ts';
export { clipGradNorm, gradientNorm } from './clip-gradient.ts';
export { arange, empty, full, ones, rand, randint, randn, type TensorOptions, tensor, zeros } from './creation.ts';
export { type DeviceGraph, prepareGraphs, recordGraph } from './device-graph.ts';
export type { Device, DType } from './dtype.ts';
export {
  type EngineInfo,
  engineInfo,
  gemmPeak,
  hasFastBfloat16,
  memory,
  requireDevice,
  resetPeakMemory,
  setMemoryLimit,
  trimMemory,
} from './engine.ts';
export { TorchError, type TorchErrorCode } from './errors.ts';
export * from './functions.ts';
/** @public */
export { type BucketOptions, GradientBuckets } from './gradient-buckets.ts';
/** @public */
export {
  allGatherInGroup,
  copyToGroup,
  gatherFromGroup,
  reduceFromGroup,
  reduceScatterInGroup,
  scatterToGroup,
} from './group-functions.ts';
export { type MatrixExchange, Muon, type MuonMatrix, type MuonOptions } from './muon.ts';
export type { MemoryUse } from './native.ts';
export type { OptimizerState } from './optimizer-state.ts';
/** @public */
export { groupBackends, ProcessGroup, type Reduction, type Work } from './process-group.ts';
/** @public */
export { type GroupBackend, type Rendezvous, rendezvousOf } from './rendezvous.ts';
export {
  type LazyTensor,
  readSafetensors,
  SafetensorsFile,
  safetensorsInMemory,
  writeSafetensors,
} from './safetensors.ts';
export { keep, scope } from './scope.ts';
export { type Nested, Tensor, type TensorArray } from './tensor.ts';
