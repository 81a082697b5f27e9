/**
 * What the log of a run says about its loss: how it fell, whether it still falls, where it jumped. All numbers are of the training
 * loss of steps, in nats a token, smoothed where single steps are noise.
 */
import type { LogLine } from '../run/run-log.ts';

export interface CurvePoint {
  readonly step: number;
  readonly tokens: number;
  readonly loss: number;
}

export interface LossSpike {
  readonly step: number;
  readonly loss: number;
  /** Of the steps before it. */
  readonly before: number;
  /** Steps until the loss was back, undefined where it never was. */
  readonly recovered: number | undefined;
}

export interface LossCurve {
  /** Means of equal stretches of steps, at most POINTS of them. */
  readonly points: readonly CurvePoint[];
  readonly first: number;
  /** Mean of the last twentieth. */
  readonly last: number;
  readonly spikes: readonly LossSpike[];
  /** Change of the loss from each doubling of the tokens, over the last half of the run, and its standard error. */
  readonly perDoubling: { readonly change: number; readonly error: number } | undefined;
  /** Share of the last half's steps at which the gradient was clipped. */
  readonly clipped: number;
}

const POINTS = 120;
/** Steps that a jump is measured against. */
const WINDOW = 50;
/** Of the spread of the steps before, and of the loss: a jump is more than both. */
const JUMP_DEVIATIONS = 8;
const JUMP_SHARE = 0.08;
/** A jump is over when the loss is back within so many deviations. */
const BACK_DEVIATIONS = 2;
/** Below so many steps nothing is said of slopes and jumps. */
const LEAST_STEPS = 40;

/** @param clip largest norm of the gradient */
export function lossCurve(lines: readonly LogLine[], clip: number): LossCurve {
  const tail = lines.slice(-Math.max(1, Math.floor(lines.length / 20)));
  const half = lines.slice(Math.floor(lines.length / 2));
  return {
    points: smoothed(lines),
    first: lines[0]?.loss ?? Number.NaN,
    last: mean(tail.map(({ loss }) => loss)),
    spikes: lines.length < LEAST_STEPS ? [] : spikesOf(lines),
    perDoubling: lines.length < LEAST_STEPS ? undefined : slopePerDoubling(half),
    clipped: half.filter(({ gradientNorm = 0 }) => gradientNorm > clip).length / Math.max(1, half.length),
  };
}

function smoothed(lines: readonly LogLine[]): CurvePoint[] {
  const size = Math.ceil(lines.length / POINTS);
  const stretches = Math.ceil(lines.length / Math.max(1, size));
  return Array.from({ length: stretches }, (_, i) => {
    const stretch = lines.slice(i * size, (i + 1) * size);
    const { step, tokens } = stretch.at(-1)!;
    return { step, tokens, loss: mean(stretch.map(({ loss }) => loss)) };
  });
}

/** Jumps above the median of the steps before; those of one disturbance are one. */
function spikesOf(lines: readonly LogLine[]): LossSpike[] {
  const spikes: LossSpike[] = [];
  for (let i = WINDOW / 2; i < lines.length; i++) {
    const window = lines.slice(Math.max(0, i - WINDOW), i).map(({ loss }) => loss);
    const middle = median(window);
    const deviation = 1.4826 * median(window.map((loss) => Math.abs(loss - middle)));
    const rise = lines[i]!.loss - middle;
    if (rise < JUMP_DEVIATIONS * deviation || rise < JUMP_SHARE * middle) continue;
    const after = lines.slice(i + 1);
    const back = after.findIndex(({ loss }) => loss <= middle + BACK_DEVIATIONS * deviation);
    const recovered = back < 0 ? undefined : back + 1;
    spikes.push({ step: lines[i]!.step, loss: lines[i]!.loss, before: middle, recovered });
    i += recovered ?? after.length;
  }
  return spikes;
}

/** Least squares of the loss over the logarithm of the tokens. */
function slopePerDoubling(lines: readonly LogLine[]): { change: number; error: number } {
  const x = lines.map(({ tokens }) => Math.log2(tokens));
  const y = lines.map(({ loss }) => loss);
  const [middleX, middleY] = [mean(x), mean(y)];
  const spread = x.reduce((sum, value) => sum + (value - middleX) ** 2, 0);
  const change = x.reduce((sum, value, i) => sum + (value - middleX) * (y[i]! - middleY), 0) / spread;
  const rest = y.reduce((sum, value, i) => sum + (value - middleY - change * (x[i]! - middleX)) ** 2, 0);
  return { change, error: Math.sqrt(rest / Math.max(1, lines.length - 2) / spread) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function median(values: readonly number[]): number {
  const ordered = [...values].sort((a, b) => a - b);
  return ordered[ordered.length >> 1]!;
}
