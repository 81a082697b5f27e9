// What the engine is on this machine, its memory, and the measure of its speed: the peak of matrix multiplication.
import { randn } from './creation.ts';
import type { Device, DType } from './dtype.ts';
import { noGrad } from './functions.ts';
import { type MemoryUse, type NativeInfo, native } from './native.ts';
import { guarded } from './operation.ts';
import { differentiable as op } from './operations.ts';
import { scope } from './scope.ts';

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

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}

/**
 * The best median speed over square products of `sizes`, with the current threads, in FLOP/s.
 * @param sizes 1024 to 4096 is the measure of the benches; a run's progress line takes the smaller ones to start at once.
 */
export function gemmPeak(
  dtype: DType,
  options: { readonly sizes?: readonly number[]; readonly device?: Device } = {},
): number {
  const { sizes = [1024, 2048, 4096], device = 'cpu' } = options;
  return noGrad(() => Math.max(...sizes.map((size) => squareSpeed(size, dtype, device))));
}

function squareSpeed(size: number, dtype: DType, device: Device): number {
  return scope(() => {
    const left = randn([size, size], { device }).to(dtype);
    const right = randn([size, size], { device }).to(dtype);
    const run = () => {
      const began = performance.now();
      scope(() => op.linear(left, right).select(0, 0).select(0, 0).item()); // item() waits for the device
      return (performance.now() - began) / 1000;
    };
    run();
    return (2 * size ** 3) / median(Array.from({ length: 5 }, run));
  });
}
