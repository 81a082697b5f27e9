/** How far probabilities can be believed: the temperature that makes them so, and what remains. Guo et al. 2017. */
import { softmax } from './classifier.ts';

/** Mean negative log-likelihood of the targets, in nats. */
function negativeLogLikelihood(
  logits: readonly ArrayLike<number>[],
  targets: readonly number[],
  temperature: number,
): number {
  let sum = 0;
  logits.forEach((row, i) => {
    sum -= Math.log(Math.max(Number.MIN_VALUE, softmax(row, temperature)[targets[i]!]!));
  });
  return sum / logits.length;
}

/** The temperature in [0.05, 20] of least negative log-likelihood; convex in 1/T, so a ternary search in log T finds it. */
export function fitTemperature(logits: readonly ArrayLike<number>[], targets: readonly number[]): number {
  let low = Math.log(0.05);
  let high = Math.log(20);
  for (let i = 0; i < 60; i++) {
    const left = low + (high - low) / 3;
    const right = high - (high - low) / 3;
    const better =
      negativeLogLikelihood(logits, targets, Math.exp(left)) < negativeLogLikelihood(logits, targets, Math.exp(right));
    if (better) high = right;
    else low = left;
  }
  return Math.exp((low + high) / 2);
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
