/** Several processes tune as one does. */
import test from 'node:test';
import { checkTuning } from '../testing/tune-runs.ts';

test('an adapter learns what is preferred in two stages of two tensor ranks, as in one process', async (t) => {
  await checkTuning(t, { way: 'lora', lora: { rank: 4 }, pairs: true }, [{ tensor: 2, pipeline: 2 }], false);
});
