/** From token ids in memory to the two tensors of a forward pass. */

import { type Device, type Tensor, tensor } from '@tunan/torch';

/** B windows of T + 1 ids → ids (B, T) and targets (B, T), int64; targets are the ids one place to the right. */
export function inputsAndTargets(
  windows: readonly ArrayLike<number>[],
  time: number,
  device: Device,
): [Tensor, Tensor] {
  const rows = windows.length;
  const ids = new BigInt64Array(rows * time);
  const targets = new BigInt64Array(rows * time);
  windows.forEach((window, row) => {
    if (window.length !== time + 1) throw new Error(`a window of ${window.length} tokens where ${time + 1} are due`);
    for (let position = 0; position < time; position++) {
      ids[row * time + position] = BigInt(window[position]!);
      targets[row * time + position] = BigInt(window[position + 1]!);
    }
  });
  return [tensor(ids, { shape: [rows, time], device }), tensor(targets, { shape: [rows, time], device })];
}
