/** What a recipe may ask for has the curve of one process under every axis, and goes on in one process. */
import test from 'node:test';
import { asked, checkLayouts, type Layout } from '../testing/layout-runs.ts';

const layouts: Layout[] = [
  { data: 3 },
  { tensor: 3 },
  { pipeline: 2 },
  { tensor: 2, data: 2, sequenceParallel: true },
  { tensor: 2, pipeline: 2, data: 2, sequenceParallel: true },
];

for (const [name, change] of Object.entries(asked)) {
  // Stages and processes that divide the positions draw other masks.
  const draws = 'lora' in change && 'dropout' in change.lora;
  const same = layouts.filter(
    ({ pipeline = 1, sequenceParallel = false }) => !draws || (pipeline === 1 && !sequenceParallel),
  );
  test(name, async (t) => {
    await checkLayouts(t, change, same);
  });
}
