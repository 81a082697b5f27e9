// Real processes over Gloo. Three do not divide the heads, the keys, the MLP or the vocabulary of the models evenly.
import test from 'node:test';
import { checkTensorGroup } from '../testing/tensor-cases.ts';

test('three processes: loss, logits and every gradient are those of one; no collective beyond the formula', async () => {
  await checkTensorGroup(3);
});
