/**
 * What recomputation costs and spares: forward and backward of one micro batch with none, selective and full, one behind the other in
 * rounds. Medians of the time; the peak of tensor memory above what stays (weights and gradients). Random weights and tokens.
 *
 *   node bench/recomputation.ts [--model config-g] [--precision float32] [--batch 8] [--time 256] [--rounds 7] [--threads 1] [--json]
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { LanguageModel, type Precision, type Recomputation } from '@tunan/model';
import { manualSeed, memory, randint, resetPeakMemory, scope, setThreads, type Tensor, trimMemory } from '@tunan/torch';
import { median } from './train-step/rounds.ts';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: 'config-g' },
    precision: { type: 'string', default: 'float32' },
    batch: { type: 'string', default: '8' },
    time: { type: 'string', default: '256' },
    rounds: { type: 'string', default: '7' },
    threads: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const [batch, time, rounds] = [options.batch, options.time, options.rounds].map(Number) as [number, number, number];
setThreads(Number(options.threads));

const recipe = path.join(import.meta.dirname, '..', 'recipes', 'model', `${options.model}.json`);
const { description: _, ...config } = JSON.parse(readFileSync(recipe, 'utf8'));
using model = LanguageModel.create(config, { seed: 1, dtype: options.precision as Precision });
manualSeed(2);
using ids = randint(0, model.config.vocabularySize, [batch, time]);

function step(recomputation: Recomputation): void {
  const backward = (hidden: Tensor) => model.hiddenLoss(hidden, ids).backward();
  scope(() => {
    if (recomputation === 'full') model.recompute(ids, backward);
    else backward(model.hidden(ids, { training: true, selective: recomputation === 'selective' }));
  });
}

const kinds: readonly Recomputation[] = ['none', 'selective', 'full'];
const measured = Object.fromEntries(
  kinds.map((kind) => {
    step(kind); // the gradients are there from now on
    trimMemory();
    const { allocatedBytes } = memory();
    resetPeakMemory();
    step(kind);
    return [kind, { peakBytes: memory().peakBytes - allocatedBytes, milliseconds: [] as number[] }];
  }),
);
for (let round = 0; round < rounds; round++) {
  for (const kind of kinds) {
    const began = performance.now();
    step(kind);
    measured[kind]!.milliseconds.push(performance.now() - began);
  }
}
const result = kinds.map((kind) => {
  const { peakBytes, milliseconds } = measured[kind]!;
  return { recomputation: kind, peakMiB: peakBytes / 2 ** 20, milliseconds: median(milliseconds) };
});
const [none] = result;
for (const { recomputation, peakMiB, milliseconds } of result) {
  const more = (100 * (milliseconds / none!.milliseconds - 1)).toFixed(1);
  console.log(
    `${recomputation.padEnd(9)} ${peakMiB.toFixed(0).padStart(6)} MiB  ${milliseconds.toFixed(0)} ms (${more} %)`,
  );
}
if (options.json) console.log(JSON.stringify({ ...options, result }));
