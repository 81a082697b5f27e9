/** Entry of the build's worker threads: reads units, writes shards. Started by WorkerPool only. */
import { parentPort, workerData } from 'node:worker_threads';
import { packError } from './errors.ts';
import { processUnit, type UnitTask } from './read-unit.ts';
import type { Recipe } from './recipe.ts';
import { type ShardTask, writeShard } from './write-shard.ts';

const { recipe } = workerData as { recipe: Recipe };

parentPort!.on('message', async (task: UnitTask | ShardTask) => {
  try {
    const result = task.task === 'read' ? await processUnit(recipe, task) : writeShard(task);
    parentPort!.postMessage({ result });
  } catch (error) {
    parentPort!.postMessage({ error: packError(error) });
  }
});
