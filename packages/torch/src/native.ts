/**
 * The whole native surface, typed, and how the addon is loaded. Everything above calls it through `operation()` or the classes.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, totalmem } from 'node:os';
import { addonPath } from './build/build-addon.ts';
import { TorchError } from './errors.ts';

declare const handleBrand: unique symbol;
/** An External owning one at::Tensor. */
export interface TensorHandle {
  readonly [handleBrand]: true;
}
declare const mappingBrand: unique symbol;
export interface MappingHandle {
  readonly [mappingBrand]: true;
}

declare const groupBrand: unique symbol;
declare const graphBrand: unique symbol;
interface GroupHandle<Kind extends string> {
  readonly [groupBrand]: Kind;
}
export interface GroupHandles {
  readonly world: GroupHandle<'world'>;
  readonly work: GroupHandle<'work'>;
  readonly buckets: GroupHandle<'buckets'>;
}

/** Process groups; a group goes by its number. Times are milliseconds. */
export interface NativeGroups {
  readonly hasNccl: boolean;
  meet(
    host: string,
    port: number,
    rank: number,
    size: number,
    holdsStore: boolean,
    /** Of this process, where it has a CUDA device. */
    device: number,
    timeout: number,
    silence: number,
  ): GroupHandles['world'];
  /** @param path of tunan_mpi.so; before the first group over MPI */
  loadMpi(path: string): void;
  group(world: GroupHandles['world'], name: string, ranks: readonly number[], backend: string): number;
  allReduce(group: number, tensor: TensorHandle, reduction: number): GroupHandles['work'];
  allGather(group: number, out: TensorHandle, tensor: TensorHandle): GroupHandles['work'];
  reduceScatter(group: number, out: TensorHandle, tensor: TensorHandle, reduction: number): GroupHandles['work'];
  broadcast(group: number, tensor: TensorHandle, root: number): GroupHandles['work'];
  send(group: number, tensor: TensorHandle, to: number, tag: number): GroupHandles['work'];
  receive(group: number, tensor: TensorHandle, from: number, tag: number): GroupHandles['work'];
  barrier(group: number): GroupHandles['work'];
  /** A patient one waits as long as all ranks are alive. */
  wait(work: GroupHandles['work'], patient?: boolean): void;
  done(work: GroupHandles['work']): boolean;
  traffic(group: number): [collectives: number, bytes: number];
  delay(group: number, microseconds: number): void;
  delays(group: number): [added: number, waited: number];
  drop(group: number): void;
  fail(world: GroupHandles['world'], message: string): string;
  leave(group: number): void;
  watchNumbers(world: GroupHandles['world']): void;
  watchedNumbers(world: GroupHandles['world']): [gave: boolean, got: boolean];
  buckets(
    group: number,
    parameters: readonly TensorHandle[],
    owners: readonly number[],
    bucketBytes: number,
  ): GroupHandles['buckets'];
  arm(buckets: GroupHandles['buckets']): void;
  reduceGradients(buckets: GroupHandles['buckets']): void;
  gatherParameters(buckets: GroupHandles['buckets']): void;
}

interface GraphHandle {
  readonly [graphBrand]: true;
}

/** CUDA graphs of this thread's current device. */
export interface NativeGraphs {
  useStream(device: number): void;
  begin(): GraphHandle;
  end(graph: GraphHandle): void;
  replay(graph: GraphHandle): void;
  drop(graph: GraphHandle): void;
}

/** What an operator takes and gives, before tensors are wrapped into `Tensor`. */
export type NativeValue = TensorHandle | number | bigint | boolean | string | undefined | readonly NativeValue[];

export interface MemoryUse {
  /** Bytes in tensors now (rounded up to their size classes). */
  readonly allocatedBytes: number;
  /** The largest `allocatedBytes` since the start or the last `resetPeakMemory()`. */
  readonly peakBytes: number;
  /** Bytes waiting in the pool for the next tensor. */
  readonly pooledBytes: number;
}

export interface NativeInfo {
  readonly version: string;
  readonly configuration: string;
  readonly parallel: string;
  readonly cudaDevices: number;
  /** Instruction set of the kernels: portable, avx2, avx512, avx512-bf16 or amx. TUNAN_CPU holds them to a lower one. */
  readonly kernels: string;
  /** OpenBLAS's name of the kernels that it runs (SkylakeX, Haswell …); empty for another BLAS. */
  readonly blasCore: string;
  readonly oneDnn: boolean;
}

export interface NativeAddon {
  resolve(name: string): number;
  call(index: number, ...args: NativeValue[]): NativeValue;
  describe(tensor: TensorHandle): { shape: number[]; dtype: number; device: string };
  dispose(tensor: TensorHandle): void;
  liveTensors(): number;
  requiresGrad(tensor: TensorHandle, set?: boolean): boolean;
  gradient(tensor: TensorHandle): TensorHandle | undefined;
  gradient(tensor: TensorHandle, set: TensorHandle | undefined): undefined;
  backward(tensor: TensorHandle, gradient?: TensorHandle): void;
  gradMode(enabled?: boolean): boolean;
  fromBytes(data: NodeJS.TypedArray, dtype: number, shape: readonly number[]): TensorHandle;
  toBytes(tensor: TensorHandle): ArrayBuffer;
  item(tensor: TensorHandle): number;
  mapFile(path: string): MappingHandle;
  releaseMapping(mapping: MappingHandle): void;
  mappedTensor(mapping: MappingHandle, offset: number, dtype: number, shape: readonly number[]): TensorHandle;
  writeTensor(descriptor: number, tensor: TensorHandle): void;
  memory(): MemoryUse;
  trimMemory(): void;
  memoryLimit(bytes: number): void;
  resetPeakMemory(): void;
  engineInfo(): NativeInfo;
  threads(set?: number): number;
  manualSeed(seed: number): void;
  randomState(set?: TensorHandle): TensorHandle | undefined;
  /** Absent where libtorch was built without them. */
  readonly groups?: NativeGroups;
  /** Absent where CUDA's headers were. */
  readonly graphs?: NativeGraphs;
}

let loaded: NativeAddon | undefined;

function load(): NativeAddon {
  const path = addonPath();
  if (!existsSync(path)) {
    throw new TorchError('TORCH_ADDON_MISSING', {
      en: 'the native addon is not compiled yet; run: npx tunan setup',
      zh: '原生扩展尚未编译；请运行：npx tunan setup',
    });
  }
  // GNU OpenMP's threads spin at every barrier; where another process wants the core, they spin for those that cannot run, and a
  // step takes ten times as long. A short spin costs nothing on a quiet machine. Read when libgomp is loaded, so it is set before.
  if (!process.env.OMP_WAIT_POLICY) process.env.GOMP_SPINCOUNT ??= '2000';
  // MKL, the BLAS of PyPI's torch, adds up some products in another order within a parallel region than outside; the bits of a result are
  // not to depend on the number of threads. Products of a few hundred rows lose up to a third of their speed, larger ones nothing.
  process.env.MKL_CBWR ??= 'AUTO,STRICT';
  let addon: NativeAddon;
  try {
    addon = createRequire(import.meta.url)(path) as NativeAddon;
  } catch (cause) {
    throw new TorchError(
      'TORCH_ADDON_MISSING',
      {
        en: `the native addon ${path} does not load (${(cause as Error).message}); delete its folder and run: npx tunan setup`,
        zh: `无法加载原生扩展 ${path}（${(cause as Error).message}）；请删除其所在文件夹并运行：npx tunan setup`,
      },
      { cause },
    );
  }
  addon.threads(wantedThreads());
  // What the container allows counts, where it allows less; without a limit it is reported as 0 or as an enormous number.
  addon.memoryLimit(Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY));
  return addon;
}

/**
 * TUNAN_THREADS, else OMP_NUM_THREADS, else all processors: libtorch counts physical cores its own way and may see one of two.
 * @throws TorchError where the variable holds no number of threads
 */
function wantedThreads(): number {
  for (const name of ['TUNAN_THREADS', 'OMP_NUM_THREADS']) {
    const value = process.env[name];
    if (!value) continue;
    const threads = Number(value.split(',')[0]); // OpenMP's may name one number a level of nesting
    if (Number.isInteger(threads) && threads > 0) return threads;
    throw new TorchError('TORCH_BAD_SETTING', {
      en: `${name}=${value} is no number of threads; give a positive integer or unset it`,
      zh: `${name}=${value} 不是线程数；请给出正整数，或取消该变量`,
    });
  }
  return availableParallelism();
}

/** The addon, loaded at first use. @throws TorchError TORCH_ADDON_MISSING */
export function native(): NativeAddon {
  loaded ??= load();
  return loaded;
}
