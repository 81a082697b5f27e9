/** From which probability on a document is turned away, and what each choice would have meant. */

/** A judged document: its own label, and what the classifier gives each. */
export interface Probable {
  readonly label: string;
  readonly source: string;
  readonly probabilities: Readonly<Record<string, number>>;
}

export interface Threshold {
  readonly label: string;
  /** A document is turned away where the probability of the label is at least this. */
  readonly threshold: number;
  /** Of the documents that the choice was made on: good ones turned away, and the share of the label's own that are caught. */
  readonly keptRejected: number;
  readonly recall: number;
}

/** A label is never claimed on less: below it another is more probable, or nearly so. */
const LEAST = 0.5;
const SUREST = 0.995;
const STEPS = 200;

/**
 * For each label but the kept one the lowest threshold at which at most the given share of kept documents is turned away. The allowance
 * is shared evenly by the labels. From there half the way to certainty is added: sources that nobody has seen are further off than those
 * the choice was made on. Where even the highest turns more away, that is taken.
 */
export function chooseThresholds(
  documents: readonly Probable[],
  keep: string,
  labels: readonly string[],
  maxKeptRejected: number,
): Threshold[] {
  const kept = documents.filter(({ label }) => label === keep);
  const others = labels.filter((label) => label !== keep);
  const allowed = Math.floor((kept.length * maxKeptRejected) / others.length);
  return others.map((label) => {
    const rejectedAt = (limit: number) => kept.filter(({ probabilities }) => probabilities[label]! >= limit).length;
    // In whole steps: sums of 0.005 would stop just beside the probability of a document.
    let step = LEAST * STEPS;
    while (step < SUREST * STEPS && rejectedAt(step / STEPS) > allowed) step++;
    const threshold = (step + STEPS) / (2 * STEPS);
    const own = documents.filter((one) => one.label === label);
    const caught = own.filter(({ probabilities }) => probabilities[label]! >= threshold).length;
    return {
      label,
      threshold,
      keptRejected: rejectedAt(threshold),
      recall: own.length === 0 ? 0 : caught / own.length,
    };
  });
}

/** Precision and recall of "probability of the label at least t", for t from 0.05 to 0.95. */
export interface LabelCurve {
  readonly label: string;
  readonly points: readonly { readonly threshold: number; readonly precision: number; readonly recall: number }[];
}

export function labelCurve(documents: readonly Probable[], label: string): LabelCurve {
  const own = documents.filter((one) => one.label === label).length;
  const points = Array.from({ length: 19 }, (_, i) => {
    const threshold = (i + 1) / 20;
    const claimed = documents.filter(({ probabilities }) => probabilities[label]! >= threshold);
    const right = claimed.filter((one) => one.label === label).length;
    return {
      threshold,
      precision: claimed.length === 0 ? 1 : right / claimed.length,
      recall: own === 0 ? 0 : right / own,
    };
  });
  return { label, points };
}
