/** The samples of one step as the model takes them, and how much each of their losses counts. */

import type { DataOrder } from './data-order.ts';
import { foldKey } from './permutation.ts';
import { type MaskedRow, maskRow, type RowMaskOptions } from './row-masks.ts';
import type { TokenSource } from './token-source.ts';

/** Of what is drawn for a sample; the data order has other keys. */
const MASKS_KEY = 0x6d61736b;

interface StepRowOptions extends Omit<RowMaskOptions, 'eod'> {
  readonly seed: number;
}

export interface StepRow extends MaskedRow {
  readonly source: number;
}

/**
 * The samples from number `first` on. What is drawn for one depends on the seed and its number alone, as the sample itself does.
 */
export function stepRows(
  order: DataOrder,
  sources: readonly TokenSource[],
  { seed, attention, prefix }: StepRowOptions,
  first: number,
  count: number,
): StepRow[] {
  const options = sources.map(({ tokenizer }) => ({ eod: tokenizer.eod, attention, prefix }));
  return Array.from({ length: count }, (_, row) => {
    const { source, tokens, length } = order.sampleAt(first + row);
    const key = foldKey(seed, MASKS_KEY, first + row);
    return { source, ...maskRow(tokens, length, key, options[source]!) };
  });
}

/** How many whole samples the predictions that count would make. */
export function countedShare(rows: readonly StepRow[], sequenceLength: number): number {
  return rows.reduce((sum, { counted }) => sum + counted, 0) / sequenceLength;
}

/** The samples of each source together, in order, so that each source's loss is one call. */
export function groupBySource(rows: readonly StepRow[]): { source: number; rows: StepRow[] }[] {
  const groups = new Map<number, StepRow[]>();
  for (const row of rows) groups.set(row.source, [...(groups.get(row.source) ?? []), row]);
  return [...groups].sort(([a], [b]) => a - b).map(([source, own]) => ({ source, rows: own }));
}
