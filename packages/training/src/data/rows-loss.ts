/** The loss of rows from their hidden states. */

import type { LanguageModel } from '@tunan/model';
import { type Tensor, tensor } from '@tunan/torch';
import { IGNORED, type MaskedRow } from './row-masks.ts';

/**
 * Mean nats over the predictions that count, a scalar. What does not count goes into no product with the output matrix: of prompts and
 * padding that is most of a row.
 * @param hidden (B, T, C) of the rows
 */
export function rowsLoss(model: LanguageModel, hidden: Tensor, rows: readonly Pick<MaskedRow, 'targets'>[]): Tensor {
  const [, time = 0, width = 0] = hidden.shape;
  const places: number[] = [];
  const targets: number[] = [];
  rows.forEach((row, index) => {
    row.targets.forEach((target, t) => {
      if (target === IGNORED) return;
      places.push(index * time + t);
      targets.push(target);
    });
  });
  const { device } = model;
  const flat = hidden.reshape(-1, width);
  const scored =
    places.length === rows.length * time ? flat : flat.indexSelect(0, tensor(places, { dtype: 'int64', device }));
  return model.hiddenLoss(scored, tensor(targets, { dtype: 'int64', device }));
}
