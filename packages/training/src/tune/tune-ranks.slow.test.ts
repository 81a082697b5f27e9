/** Several processes tune as one does, whatever they tune and how it is laid. */
import test from 'node:test';
import type { Layout } from '../testing/layout-runs.ts';
import { checkTuning, type TuneCase } from '../testing/tune-runs.ts';

const layouts: Layout[] = [{ data: 2 }, { tensor: 2 }, { pipeline: 2 }, { data: 2, tensor: 2, pipeline: 2 }];
const cases: Record<string, TuneCase> = {
  'an adapter on examples, by Muon': { way: 'lora', lora: { rank: 4 }, pairs: false, optimizer: 'muon' },
  'an adapter on pairs of answers': { way: 'lora', lora: { rank: 4 }, pairs: true },
  'all weights on examples, by Muon': { way: 'full', pairs: false, optimizer: 'muon' },
  'all weights on pairs of answers': { way: 'full', pairs: true },
};

for (const [name, asked] of Object.entries(cases)) {
  test(name, async (t) => {
    await checkTuning(t, asked, layouts, true);
  });
}
