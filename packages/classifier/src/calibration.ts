/** How far probabilities can be believed: the correction that makes them so, and what remains. Guo et al. 2017. */
import { softmax } from './softmax.ts';

/** Probabilities are the softmax of logits / temperature + shift of the label. */
export interface Correction {
  readonly temperature: number;
  /** One for each label; their sum is 0. */
  readonly shifts: readonly number[];
}

const ITERATIONS = 1000;
const LEAST_GAIN = 1e-9;
/** Keeps the shift of a label that has few documents near 0: as much as so many documents of each label would. */
const PRIOR = 2;

/**
 * The correction of least negative log-likelihood, every label with the same weight in all: evidence for one label may carry over to
 * unseen sources worse than that for another, and then a temperature alone leaves it too rarely predicted (Alexandari, Kundaje and
 * Shrikumar 2020, bias-corrected temperature scaling). Convex in 1/T and the shifts; found by gradient descent with backtracking.
 */
export function fitCorrection(logits: readonly ArrayLike<number>[], targets: readonly number[]): Correction {
  const labels = logits[0]!.length;
  const counts = Array.from({ length: labels }, (_, label) => targets.filter((target) => target === label).length);
  const met = counts.filter((count) => count > 0).length;
  const shares = targets.map((target) => 1 / (counts[target]! * met));
  const pull = PRIOR / logits.length;
  let point = { inverse: 1, shifts: new Array<number>(labels).fill(0) };
  let { loss, slope } = lossAt(point, logits, targets, shares, pull);
  let step = 1;
  for (let i = 0; i < ITERATIONS && step > 1e-12; i++) {
    const next = {
      inverse: Math.min(20, Math.max(0.05, point.inverse - step * slope.inverse)),
      shifts: point.shifts.map((shift, label) => shift - step * slope.shifts[label]!),
    };
    const reached = lossAt(next, logits, targets, shares, pull);
    if (reached.loss < loss) {
      if (loss - reached.loss < LEAST_GAIN) break;
      [point, loss, slope] = [next, reached.loss, reached.slope];
      step *= 1.5;
    } else step /= 2;
  }
  const mean = point.shifts.reduce((sum, shift) => sum + shift, 0) / labels;
  return { temperature: 1 / point.inverse, shifts: point.shifts.map((shift) => shift - mean) };
}

interface Point {
  readonly inverse: number;
  readonly shifts: readonly number[];
}

function lossAt(
  { inverse, shifts }: Point,
  logits: readonly ArrayLike<number>[],
  targets: readonly number[],
  shares: readonly number[],
  pull: number,
): { loss: number; slope: Point } {
  let loss = 0;
  const slope = { inverse: 0, shifts: shifts.map((shift) => 2 * pull * shift) };
  for (const shift of shifts) loss += pull * shift * shift;
  logits.forEach((row, i) => {
    const moved = Array.from(row, (logit, label) => logit * inverse + shifts[label]!);
    const probabilities = softmax(moved, 1);
    loss -= shares[i]! * Math.log(Math.max(Number.MIN_VALUE, probabilities[targets[i]!]!));
    for (let label = 0; label < moved.length; label++) {
      const excess = shares[i]! * (probabilities[label]! - (label === targets[i] ? 1 : 0));
      slope.shifts[label]! += excess;
      slope.inverse += excess * row[label]!;
    }
  });
  return { loss, slope };
}

interface CalibrationBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Mean probability of the predicted label, and the share of predictions that are right. */
  readonly confidence: number;
  readonly accuracy: number;
}

export interface Calibration {
  readonly bins: readonly CalibrationBin[];
  /** Mean distance of confidence and accuracy, over documents. */
  readonly expectedError: number;
}

/** Reliability of the predicted label in equal bins of its probability, and the expected calibration error over them. */
export function calibration(
  predictions: readonly { readonly probability: number; readonly right: boolean }[],
  bins = 10,
): Calibration {
  const filled = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, right: 0 }));
  for (const { probability, right } of predictions) {
    const bin = filled[Math.min(bins - 1, Math.floor(probability * bins))]!;
    bin.count++;
    bin.confidence += probability;
    if (right) bin.right++;
  }
  const expectedError =
    filled.reduce((sum, { confidence, right }) => sum + Math.abs(confidence - right), 0) / predictions.length;
  return {
    bins: filled.map(({ count, confidence, right }, i) => ({
      from: i / bins,
      to: (i + 1) / bins,
      count,
      confidence: count === 0 ? 0 : confidence / count,
      accuracy: count === 0 ? 0 : right / count,
    })),
    expectedError,
  };
}
