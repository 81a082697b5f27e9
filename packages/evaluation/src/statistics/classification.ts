/**
 * What stands beside an accuracy: its interval, the two scores that need no model, where each label's examples went, and
 * how honest the probabilities are.
 */

import { type Interval, wilsonInterval } from '@tunan/classifier/proportion';

export interface Outcome {
  readonly gold: string;
  readonly predicted: string;
}

export interface AccuracySummary {
  readonly accuracy: number;
  /** 95 %, Wilson. */
  readonly interval: Interval;
  readonly examples: number;
  /** Accuracy of always answering the label that is most frequent among these examples. */
  readonly majority: number;
  /** Expected accuracy of answering any label with equal chance. */
  readonly random: number;
}

/** @param labels how many answers there are to choose from */
export function summariseAccuracy(outcomes: readonly Outcome[], labels: number): AccuracySummary {
  const examples = outcomes.length;
  const right = outcomes.filter(({ gold, predicted }) => gold === predicted).length;
  const golds = countBy(outcomes.map(({ gold }) => gold));
  return {
    accuracy: right / examples,
    interval: wilsonInterval(right, examples),
    examples,
    majority: Math.max(...golds.values()) / examples,
    random: 1 / labels,
  };
}

/** Gold label → predicted label → examples. */
export function confusion(outcomes: readonly Outcome[]): Map<string, Map<string, number>> {
  const rows = Map.groupBy(outcomes, ({ gold }) => gold);
  return new Map([...rows].map(([gold, row]) => [gold, countBy(row.map(({ predicted }) => predicted))]));
}

export interface CalibrationBin {
  /** Mean probability that the model gave its own answers. */
  readonly confidence: number;
  /** Share of them that were right. */
  readonly accuracy: number;
  readonly examples: number;
}

/**
 * Answers sorted by confidence into bins of equally many examples, so that no bin rests on a handful, and the expected
 * calibration error: the mean distance of confidence and accuracy, weighted by examples.
 */
export function calibrationCurve(
  answers: readonly { readonly confidence: number; readonly right: boolean }[],
  bins = 10,
): { readonly curve: CalibrationBin[]; readonly expectedError: number } {
  const sorted = answers.toSorted((a, b) => a.confidence - b.confidence);
  const curve: CalibrationBin[] = [];
  for (let bin = 0; bin < bins; bin++) {
    const members = sorted.slice(
      Math.floor((bin * sorted.length) / bins),
      Math.floor(((bin + 1) * sorted.length) / bins),
    );
    if (members.length === 0) continue;
    curve.push({
      confidence: members.reduce((sum, { confidence }) => sum + confidence, 0) / members.length,
      accuracy: members.filter(({ right }) => right).length / members.length,
      examples: members.length,
    });
  }
  const expectedError = curve.reduce(
    (sum, { confidence, accuracy, examples }) => sum + (Math.abs(confidence - accuracy) * examples) / sorted.length,
    0,
  );
  return { curve, expectedError };
}

function countBy(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
