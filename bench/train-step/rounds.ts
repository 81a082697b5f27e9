// Rounds in which all engines take turns, so that a machine that gets slower gets slower for all; medians over the rounds.
import { setTimeout } from 'node:timers/promises';
import type { Peer } from './peer.ts';

/** Milliseconds after which the threads of the engine before have stopped spinning. */
const REST = 200;
/** A product that takes longer is measured in no larger size. */
const SLOW_PRODUCT_SECONDS = 2;
const GEMM_SIZES = [1024, 2048, 4096];

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

interface Timed {
  readonly seconds: number;
  readonly loss: number;
}

export interface Engine {
  readonly peer: Peer;
  readonly precision: 'float32' | 'bfloat16';
  /** A round's steps, so that it lasts long enough to be timed. */
  steps: number;
  readonly secondsPerStep: number[];
  loss: number;
}

/** How many steps fill `seconds`: asked once, not counted. */
export async function warmEngine(engine: Engine, seconds: number): Promise<void> {
  const { seconds: one } = (await engine.peer.ask('1')) as Timed;
  engine.steps = Math.max(1, Math.round(seconds / one));
}

async function timeEngine(engine: Engine): Promise<void> {
  await setTimeout(REST);
  const { seconds, loss } = (await engine.peer.ask(String(engine.steps))) as Timed;
  engine.secondsPerStep.push(seconds / engine.steps);
  engine.loss = loss;
}

/** Seconds of square products by "dtype size", of one engine. */
export interface Products {
  readonly peer: Peer;
  readonly seconds: Map<string, number[]>;
}

async function timeProducts({ peer, seconds }: Products, precisions: readonly string[]): Promise<void> {
  await setTimeout(REST);
  for (const dtype of precisions) {
    for (const size of GEMM_SIZES) {
      const order = `${dtype} ${size}`;
      const { seconds: took } = (await peer.ask(order)) as Timed;
      seconds.set(order, [...(seconds.get(order) ?? []), took]);
      if (took > SLOW_PRODUCT_SECONDS) break;
    }
  }
}

export async function playRounds(
  rounds: number,
  engines: readonly Engine[],
  products: readonly Products[],
  precisions: readonly string[],
) {
  for (let round = 1; round <= rounds; round++) {
    process.stderr.write(`round ${round} of ${rounds}\n`);
    for (const each of products) await timeProducts(each, precisions);
    for (const engine of engines) await timeEngine(engine);
  }
}

export interface GemmPeak {
  /** FLOP/s: the best median over engines and sizes. */
  readonly flops: number;
  /** Who reached it, such as "PyTorch 2048". */
  readonly by: string;
}

export function gemmPeakOf(precision: string, products: readonly Products[]): GemmPeak {
  const medians = products.flatMap(({ peer, seconds }) =>
    [...seconds]
      .filter(([order]) => order.startsWith(`${precision} `))
      .map(([order, values]) => {
        const size = Number(order.split(' ')[1]);
        return { flops: (2 * size ** 3) / median(values), by: `${peer.name} ${size}` };
      }),
  );
  return medians.reduce((best, each) => (each.flops > best.flops ? each : best));
}
