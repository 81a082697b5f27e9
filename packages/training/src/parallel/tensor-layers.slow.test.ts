import test from 'node:test';
import { checkTensorGroup } from '../testing/tensor-cases.ts';

for (const size of [2, 4]) {
  test(`${size} processes: loss, logits and every gradient are those of one; no collective beyond the formula`, async () => {
    await checkTensorGroup(size);
  });
}
