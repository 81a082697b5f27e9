// The whole native surface, typed, and how the addon is loaded. Everything above calls it through `operation()` or the classes.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
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
  resetPeakMemory(): void;
  engineInfo(): NativeInfo;
  threads(set?: number): number;
  manualSeed(seed: number): void;
  randomState(set?: TensorHandle): TensorHandle | undefined;
}

let loaded: NativeAddon | undefined;

function load(): NativeAddon {
  const path = addonPath();
  if (!existsSync(path)) {
    throw new TorchError('TORCH_ADDON_MISSING', 'the native addon is not compiled yet; run: npx tunan setup');
  }
  // GNU OpenMP's threads spin at every barrier; where another process wants the core, they spin for those that cannot run, and a
  // step takes ten times as long. A short spin costs nothing on a quiet machine. Read when libgomp is loaded, so it is set before.
  if (!process.env.OMP_WAIT_POLICY) process.env.GOMP_SPINCOUNT ??= '2000';
  let addon: NativeAddon;
  try {
    addon = createRequire(import.meta.url)(path) as NativeAddon;
  } catch (cause) {
    throw new TorchError(
      'TORCH_ADDON_MISSING',
      `the native addon ${path} does not load (${(cause as Error).message}); delete its folder and run: npx tunan setup`,
      { cause },
    );
  }
  // libtorch counts physical cores its own way and may see one of two; the environment variable, where set, has the last word.
  if (!process.env.OMP_NUM_THREADS) addon.threads(availableParallelism());
  return addon;
}

/** The addon, loaded at first use. @throws TorchError TORCH_ADDON_MISSING */
export function native(): NativeAddon {
  loaded ??= load();
  return loaded;
}
