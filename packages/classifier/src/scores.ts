/** Precision, recall and F1 of predictions, by label and as their plain mean (macro F1). */

export interface LabelScore {
  readonly label: string;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Documents that have the label. */
  readonly count: number;
}

export interface Scores {
  readonly labels: readonly LabelScore[];
  readonly macroF1: number;
  readonly accuracy: number;
  /** Rows are the true labels, columns the predicted ones, both in the order of `labels`. */
  readonly confusion: readonly (readonly number[])[];
}

/** A label that the truth lacks has F1 0 where it is predicted, and is left out of the mean where it is not. */
export function score(truth: readonly string[], predicted: readonly string[], names: readonly string[]): Scores {
  const confusion = names.map(() => names.map(() => 0));
  truth.forEach((label, i) => {
    confusion[names.indexOf(label)]![names.indexOf(predicted[i]!)]!++;
  });
  const labels = names.map((label, c): LabelScore => {
    const right = confusion[c]![c]!;
    const count = sum(confusion[c]!);
    const claimed = sum(confusion.map((row) => row[c]!));
    const precision = ratio(right, claimed);
    const recall = ratio(right, count);
    return { label, precision, recall, f1: ratio(2 * right, claimed + count), count };
  });
  const met = labels.filter((_, c) => labels[c]!.count > 0 || confusion.some((row) => row[c]! > 0));
  return {
    labels,
    macroF1: ratio(sum(met.map(({ f1 }) => f1)), met.length),
    accuracy: ratio(sum(confusion.map((row, c) => row[c]!)), truth.length),
    confusion,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
