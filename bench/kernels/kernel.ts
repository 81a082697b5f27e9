/** One kernel of a training step as the bench runs it, and its time. */
import type { Precision } from '@tunan/model';
import { noGrad, randn, scope, type Tensor } from '@tunan/torch';
import { median } from '../train-step/rounds.ts';
import type { Shape } from '../train-step/shapes.ts';

type Run = (...inputs: Tensor[]) => Tensor;

export interface Kernel {
  readonly name: string;
  /** In a step. */
  readonly times: number;
  /** Of matrix products, forward; backward has twice as many. */
  readonly flops: number;
  /** That must be read and written, forward and backward, where nothing is multiplied. */
  readonly bytes?: number;
  readonly inputs: readonly Tensor[];
  readonly run: Run;
  /** The same by operations of libtorch, one after the other. */
  readonly composition?: Run;
}

export interface KernelTimes {
  readonly name: string;
  /** Milliseconds a step. */
  readonly forward: number;
  readonly backward: number;
  readonly flops: number;
  readonly bytes: number | undefined;
  /** Milliseconds a step of both directions. */
  readonly composition: number | undefined;
}

function leaf(x: Tensor): Tensor {
  x.requiresGrad = true;
  return x;
}

/** Makes what the kernels of a model read. */
export class Operands {
  readonly shape: Shape;
  readonly dtype: Precision;
  /** N */
  readonly rows: number;

  constructor(shape: Shape, dtype: Precision) {
    this.shape = shape;
    this.dtype = dtype;
    this.rows = shape.batch * shape.context;
  }

  /** (B, T, …) in the dtype of the products. */
  activation(...sizes: number[]): Tensor {
    const { batch, context } = this.shape;
    return leaf(noGrad(() => randn([batch, context, ...sizes]).to(this.dtype)));
  }

  /** (N, width) in the dtype of the products. */
  rowsOf(width: number): Tensor {
    return leaf(noGrad(() => randn([this.rows, width]).to(this.dtype)));
  }

  weight(...sizes: number[]): Tensor {
    return leaf(noGrad(() => randn(sizes).mul(0.02)));
  }

  /** The residual stream: (B, T, C) float32. */
  stream(): Tensor {
    return leaf(randn([this.shape.batch, this.shape.context, this.shape.width]));
  }
}

/** Milliseconds by the wall, or of the processors that the process used: what is left to do on a machine that others use. */
export type Clock = 'wall' | 'cpu';

function now(clock: Clock): number {
  if (clock === 'wall') return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Milliseconds of each body: they take turns, the first time not counted; medians over the rounds. */
export function timesInTurn(bodies: readonly (() => void)[], rounds: number, clock: Clock): number[] {
  const taken = bodies.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    bodies.forEach((body, i) => {
      const began = now(clock);
      scope(() => {
        body(); // what it gives is not kept
      });
      if (round > 0) taken[i]!.push(now(clock) - began);
    });
  }
  return taken.map(median);
}

/** Forward alone, both directions, and both of the composition, by turns. */
export function timesOf(kernel: Kernel, rounds: number, clock: Clock): KernelTimes {
  const { name, times, flops, bytes, inputs, run, composition } = kernel;
  const gradient = noGrad(() => {
    const out = run(...inputs);
    return out.shape.length === 0 ? undefined : randn(out.shape).to(out.dtype);
  });
  const both = (body: Run) => () => {
    body(...inputs).backward(gradient);
    for (const input of inputs) input.grad = undefined;
  };
  const bodies = [() => noGrad(() => run(...inputs)), both(run), ...(composition ? [both(composition)] : [])];
  const [forward, whole, composed] = timesInTurn(bodies, rounds, clock).map((each) => times * each);
  return {
    name,
    forward: forward!,
    backward: whole! - forward!,
    flops: 3 * times * flops,
    bytes: bytes === undefined ? undefined : times * bytes,
    composition: composed,
  };
}

/** Bytes a second, read and written, of a copy that no cache holds. */
export function memoryBandwidth(rounds: number, clock: Clock): number {
  const size = 64 << 20; // elements of 4 bytes
  return scope(() => {
    const [from, to] = [randn([size]), randn([size])];
    const [copy] = timesInTurn([() => to.copy_(from)], rounds, clock);
    return (2 * 4 * size * 1000) / copy!;
  });
}
