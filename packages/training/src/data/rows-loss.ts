/** The loss of rows from their hidden states. */

import type { LanguageModel } from '@tunan/model';
import { type Device, type Tensor, tensor } from '@tunan/torch';
import { IGNORED, type MaskedRow } from './row-masks.ts';

/** The predictions of rows that count. */
export interface RowTargets {
  readonly rows: number;
  readonly targets: Tensor; // (N) int64
  /** Which of the (B T) positions they are of; absent where all count. */
  readonly places: Tensor | undefined; // (N) int64
}

export function targetsOf(rows: readonly Pick<MaskedRow, 'targets'>[], device: Device): RowTargets {
  const time = rows[0]!.targets.length;
  const places: number[] = [];
  const targets: number[] = [];
  rows.forEach((row, index) => {
    row.targets.forEach((target, t) => {
      if (target === IGNORED) return;
      places.push(index * time + t);
      targets.push(target);
    });
  });
  const list = (values: number[]) => tensor(values, { dtype: 'int64', device });
  return {
    rows: rows.length,
    targets: list(targets),
    places: places.length === rows.length * time ? undefined : list(places),
  };
}

/**
 * Mean nats over the predictions that count, a scalar. What does not count goes into no product with the output matrix: of prompts and
 * padding that is most of a row.
 * @param hidden (B, T, C) of the rows
 */
export function targetsLoss(model: LanguageModel, hidden: Tensor, { targets, places }: RowTargets): Tensor {
  const flat = hidden.reshape(-1, hidden.shape.at(-1)!);
  return model.hiddenLoss(places === undefined ? flat : flat.indexSelect(0, places), targets);
}
