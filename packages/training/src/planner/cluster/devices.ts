/**
 * Devices and their links, by published figures. What a product really reaches of the peak stands beside it, because the makers' peaks
 * hold at clocks that no long product keeps.
 */

import type { CpuFigures } from './cpu-figures.ts';

export interface Device {
  readonly name: string;
  /** Of half-precision products, FLOP/s, as the maker says; of a processor as measured, in the precision of the run. */
  readonly peak: number;
  /** What the largest products reach of it. */
  readonly attainable: number;
  /** What a fused attention kernel reaches of the peak. */
  readonly attention: number;
  /** Multiprocessors: a product is done in waves of as many tiles. */
  readonly processors: number;
  /** Bytes/s of the memory. */
  readonly bandwidth: number;
  /** Bytes. */
  readonly memory: number;
  /** Bytes/s in one direction between devices of one server. */
  readonly link: number;
  /** Bytes/s in one direction to other servers, for each device. */
  readonly network: number;
  /** Devices of one server. */
  readonly perServer: number;
  /** W, with its share of the server. Unknown of a processor, as its price is. */
  readonly power?: number;
  /** Dollars an hour, a round figure of public rental prices; a plan takes another one. */
  readonly hourlyPrice?: number;
  /** Of the device `cpu`: what was measured of this machine, for one of its processes; then time and memory are counted from it. */
  readonly cpu?: CpuFigures;
}

const GiB = 2 ** 30;

/** The name of the device that is measured and in no table. */
export const CPU = 'cpu';

/**
 * Peaks, memories, bandwidths and links: NVIDIA's data sheets. Attainable: A100 271 of 312 TFLOP/s over all shapes (Bekman, maximum
 * achievable matmul FLOPS); H100 about 700 of 989 on random numbers, whose switching holds the clock down. Fused attention: FlashAttention-2
 * reaches 35 % on the H100 (Shah et al. 2024) and about 60 % on the A100 in forward and backward (Dao 2023). Power: servers' ratings over 8.
 */
const A100 = {
  peak: 312e12,
  attainable: 0.869,
  attention: 0.6,
  processors: 108,
  link: 300e9,
  network: 25e9,
  perServer: 8,
  power: 810,
};
const H100 = {
  peak: 989.4e12,
  attainable: 0.7,
  attention: 0.35,
  processors: 132,
  link: 450e9,
  network: 50e9,
  perServer: 8,
  power: 1275,
};

export const DEVICES: readonly Device[] = [
  { name: 'a100-40g', ...A100, bandwidth: 1555e9, memory: 40 * GiB, hourlyPrice: 1.2 },
  { name: 'a100-80g', ...A100, bandwidth: 2039e9, memory: 80 * GiB, hourlyPrice: 1.6 },
  { name: 'h100', ...H100, bandwidth: 3350e9, memory: 80 * GiB, hourlyPrice: 2.5 },
  { name: 'h200', ...H100, bandwidth: 4800e9, memory: 141 * GiB, hourlyPrice: 3.2 },
];

/** One of so many processes of this machine. */
export function cpuDevice(cpu: CpuFigures): Device {
  const { peak, bandwidth, link, memory, processes } = cpu;
  return {
    ...{ name: CPU, peak, bandwidth, link, memory, cpu },
    attainable: 1,
    attention: cpu.attention / peak,
    processors: 1,
    network: link,
    perServer: processes,
  };
}
