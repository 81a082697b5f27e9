/** From rows in memory to the tensors of a forward pass. */

import type { ForwardOptions } from '@tunan/model';
import { type Device, type Tensor, tensor } from '@tunan/torch';
import type { MaskedRow } from './row-masks.ts';

export interface Batch {
  readonly ids: Tensor; // (B, T) int64
  readonly targets: Tensor; // (B, T) int64
  /** What each position sees, and where it stands. */
  readonly options: Pick<ForwardOptions, 'range' | 'positions'>;
}

/** @param rows B of one length and one kind */
export function batchOf(rows: readonly MaskedRow[], device: Device): Batch {
  const time = rows[0]!.ids.length;
  const stacked = (part: (row: MaskedRow) => Int32Array) => {
    const values = new BigInt64Array(rows.length * time);
    rows.forEach((row, index) => {
      part(row).forEach((value, t) => {
        values[index * time + t] = BigInt(value);
      });
    });
    return tensor(values, { shape: [rows.length, time], device });
  };
  const [{ first, last, positions }] = rows as [MaskedRow];
  const range = {
    ...(first !== undefined && { first: stacked((row) => row.first!) }),
    ...(last !== undefined && { last: stacked((row) => row.last!) }),
  };
  return {
    ids: stacked((row) => row.ids),
    targets: stacked((row) => row.targets),
    options: {
      ...((first ?? last) !== undefined && { range }),
      ...(positions !== undefined && { positions: stacked((row) => row.positions!) }),
    },
  };
}
