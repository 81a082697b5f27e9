/** What a recipe may ask for has the curve of one process under tensor and pipeline, too, and goes on in one process. */
import test from 'node:test';
import { asked, checkLayouts } from '../testing/layout-runs.ts';

test('a prefix language model, by Muon', async (t) => {
  await checkLayouts(t, asked['a prefix language model, by Muon'], [
    { tensor: 2, pipeline: 2 },
    { data: 2, pipeline: 2 },
  ]);
});

test('an adapter with dropout, by Muon, recomputed, where two ranks have a copy of each head of keys', async (t) => {
  await checkLayouts(t, asked['an adapter with dropout, by Muon, recomputed'], [{ tensor: 4 }]);
});
