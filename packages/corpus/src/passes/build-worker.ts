/** Entry of the build's worker threads: reads units, writes shards. Started by WorkerPool only. */
import { parentPort, workerData } from 'node:worker_threads';
import { packError } from '../errors.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { documentStages, type PreparedStage } from '../stages/document-stages.ts';
import { processUnit, type SignTask, signShard, type UnitResult, type UnitTask } from './read-unit.ts';
import { SharedCount } from './shared-count.ts';
import { type ShardTask, writeShard } from './write-shard.ts';

const { recipe, base, counters } = workerData as { recipe: Recipe; base: string; counters?: SharedArrayBuffer };
const count = counters === undefined ? undefined : new SharedCount(counters);
/** Prepared at the first unit, once for all of them. */
let stages: Promise<PreparedStage[]> | undefined;

parentPort!.on('message', async (task: UnitTask | SignTask | ShardTask) => {
  try {
    const result = task.task === 'write' ? writeShard(task) : await read(task);
    parentPort!.postMessage({ result });
  } catch (error) {
    parentPort!.postMessage({ error: packError(error) });
  }
});

async function read(task: UnitTask | SignTask): Promise<UnitResult> {
  stages ??= documentStages(recipe, base);
  if (task.task === 'sign') return await signShard(recipe, await stages, task);
  return await processUnit(recipe, base, await stages, task, count);
}
