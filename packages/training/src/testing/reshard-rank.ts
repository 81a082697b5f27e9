/**
 * Reads the newest checkpoint of a run as one of several processes, and writes it again, in the background: node reshard-rank.ts
 * '{"from": …, "to": …, "parallel": …, "replicateOptimizer": …}' under the environment of a launcher. Nothing is trained.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Mesh } from '../parallel/mesh.ts';
import { newestGoodCheckpoint } from '../run/checkpoint.ts';
import { CheckpointWriter } from '../run/checkpoint-writer.ts';
import { readStoredPlan } from '../run/run-directory.ts';
import { Trainer } from '../trainer.ts';

const { run, from, to, parallel, replicateOptimizer } = JSON.parse(process.argv[2]!);
try {
  using mesh = Mesh.join(process.env, { parallel });
  const plan = { ...readStoredPlan(run)!, parallel: { tensor: 1, pipeline: 1, chunks: 1, ...parallel } };
  const { good } = newestGoodCheckpoint(from, mesh)!;
  const exchange = { mesh, sharded: replicateOptimizer !== true };
  using trainer = Trainer.fromCheckpoint(plan, good, [], [good.state.planHash], exchange);
  const log = path.join(run, 'resharding.log');
  if (mesh.isFirst) writeFileSync(log, '');
  await using writer = new CheckpointWriter(mesh, { directory: to, keep: 1, log });
  writer.start(trainer.position([]), (put) => trainer.giveFiles(put));
  await writer.settle();
} catch (error) {
  process.stderr.write(`${(error as Error).stack}\n`);
  process.exit(1);
}
