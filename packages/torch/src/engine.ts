/**
 * What the engine is on this machine, its memory, and the measure of its speed: the peak of matrix multiplication.
 */
import { randn } from './creation.ts';
import type { Device, DType } from './dtype.ts';
import { TorchError } from './errors.ts';
import { noGrad } from './functions.ts';
import { guarded } from './guard.ts';
import { type MemoryUse, type NativeInfo, native } from './native.ts';
import { scope } from './scope.ts';
import { differentiable } from './tensor.ts';

export interface EngineInfo extends NativeInfo {
  readonly threads: number;
}

/** @throws TorchError TORCH_OPERATION where TUNAN_CPU names no instruction set of this processor. */
export function engineInfo(): EngineInfo {
  return guarded(() => ({ ...native().engineInfo(), threads: native().threads() }));
}

/** Memory of tensors on the CPU. */
export function memory(): MemoryUse {
  return native().memory();
}

/** Gives the pooled blocks back to the system. */
export function trimMemory(): void {
  native().trimMemory();
}

/** No tensor is made beyond so many bytes in tensors on the CPU. At the start it is the memory of the machine or container. */
export function setMemoryLimit(bytes: number): void {
  guarded(() => native().memoryLimit(bytes));
}

export function resetPeakMemory(): void {
  native().resetPeakMemory();
}

/**
 * Whether products in bfloat16 run on instructions of their own. Where they do not, libtorch emulates them some hundred times slower
 * than float32, and bfloat16 is only a way to store.
 */
export function hasFastBfloat16(device: Device = 'cpu'): boolean {
  return device !== 'cpu' || ['avx512-bf16', 'amx'].includes(engineInfo().kernels);
}

/** @throws TorchError TORCH_BAD_SETTING where the device is not there, before anything is computed on it */
export function requireDevice(device: Device): void {
  if (device === 'cpu') return;
  const { cudaDevices, version } = engineInfo();
  if (Number(device.split(':')[1] ?? 0) < cudaDevices) return;
  const [en, zh] =
    cudaDevices === 0
      ? [
          `libtorch ${version} finds no CUDA device; use cpu, or set TUNAN_LIBTORCH to a libtorch with CUDA and run tunan doctor`,
          `libtorch ${version} 没有可用的 CUDA 设备；请改用 cpu，或将 TUNAN_LIBTORCH 设为带 CUDA 的 libtorch 并运行 tunan doctor`,
        ]
      : [
          `there are ${cudaDevices} CUDA devices, counted from cuda:0`,
          `只有 ${cudaDevices} 个 CUDA 设备，从 cuda:0 数起`,
        ];
  throw new TorchError('TORCH_BAD_SETTING', { en: `device ${device}: ${en}`, zh: `设备 ${device}：${zh}` });
}

/** Each size of gemmPeak() is multiplied so often, the first time not counted. */
const RUNS = 6;

/**
 * The speed of the fastest square product of `sizes`, with the current threads, in FLOP/s. The fastest, not the median: other work on
 * the machine only takes away. Sizes are tried from the smallest, and no product is begun after `seconds`.
 * @param options.sizes 1024 to 4096 is the measure of the benches; a run's progress line takes the smaller ones to start at once.
 */
export function gemmPeak(
  dtype: DType,
  options: { readonly sizes?: readonly number[]; readonly device?: Device; readonly seconds?: number } = {},
): number {
  const { sizes = [1024, 2048, 4096], device = 'cpu', seconds = Number.POSITIVE_INFINITY } = options;
  const end = performance.now() + 1000 * seconds;
  return noGrad(() => sizes.reduce((best, size) => Math.max(best, squareSpeed(size, dtype, device, end)), 0));
}

/** 0 where the time is over before a product is begun. */
function squareSpeed(size: number, dtype: DType, device: Device, end: number): number {
  return scope(() => {
    const left = randn([size, size], { device }).to(dtype);
    const right = randn([size, size], { device }).to(dtype);
    const times: number[] = [];
    for (let began = performance.now(); times.length < RUNS && began < end; began = performance.now()) {
      scope(() => differentiable.matmul(left, right).select(0, 0).select(0, 0).item()); // item() waits for the device
      times.push((performance.now() - began) / 1000);
    }
    return times.length === 0 ? 0 : (2 * size ** 3) / Math.min(...(times.length === 1 ? times : times.slice(1)));
  });
}
