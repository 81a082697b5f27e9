/**
 * One process of bench/planner-cpu.ts: node rank.ts JSON. Trains the rows one behind the other; the first writes for each what its
 * log says, as a line of the file.
 */
import { appendFileSync, mkdtempSync } from 'node:fs';
import path from 'node:path';
import { memory, ProcessGroup, rendezvousOf, resetPeakMemory, trimMemory } from '@tunan/torch';
import { Mesh, meshOf, readRunLog, train } from '@tunan/training';
import type { Row } from './rows.ts';

const { rows, folder, file, steps, warm } = JSON.parse(process.argv[2]!) as {
  readonly rows: readonly Row[];
  readonly folder: string;
  readonly file: string;
  readonly steps: number;
  readonly warm: number;
};
const place = rendezvousOf(process.env);
const world = place === undefined ? ProcessGroup.alone() : ProcessGroup.meet(place);
for (const { name, model, layout, globalBatch } of rows) {
  const { tensor, pipeline, sequenceParallel, microBatch } = layout;
  const mesh = new Mesh(world, meshOf(world.size, { tensor, pipeline }));
  const [directory] = mesh.gather(mesh.isFirst ? mkdtempSync(path.join(folder, 'run-')) : '');
  trimMemory();
  resetPeakMemory();
  await train({
    recipe: {
      model,
      data: [{ corpus: path.join(folder, `tokens-${model.vocabularySize}`) }],
      sequenceLength: model.contextLength,
      microBatch,
      globalBatch,
      steps,
      parallel: { tensor, pipeline, ...(tensor > 1 && { sequenceParallel }) },
      optimizer: { learningRate: 1e-4 },
      checkpoint: { every: steps, keep: 1, background: false },
    },
    directory: path.join(directory!, 'run'),
    mesh,
  });
  const peaks = mesh.gather(memory().peakBytes);
  if (mesh.isFirst) {
    const log = readRunLog(path.join(directory!, 'run', 'log.jsonl'));
    const steady = log.slice(warm).map((line) => line.milliseconds);
    const milliseconds = steady.map(({ total }) => total);
    const optimizer = steady.map((parts) => parts.optimizer);
    appendFileSync(file, `${JSON.stringify({ name, milliseconds, optimizer, memory: Math.max(...peaks) })}\n`);
  }
}
world.leave();
process.exit(0);
