/** Checkpoints read and written again in several layouts of processes: what is in them is to stay, to the last bit. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { StoredWeights } from '@tunan/model';
import { readSafetensors, scope } from '@tunan/torch';
import { runRanks } from '@tunan/torch/testing/run-ranks';
import { newestGoodCheckpoint } from '../run/checkpoint.ts';
import type { Layout } from './layout-runs.ts';

const PROGRAM = fileURLToPath(import.meta.resolve('./reshard-rank.ts'));

/**
 * Reads the newest checkpoint of `from` in a layout, and writes it to `to`.
 * @param run whose plan it is
 * @returns the path of the new one
 */
export async function reshard(
  run: string,
  [from, to]: readonly [from: string, to: string],
  { data = 1, replicateOptimizer = false, ...parallel }: Layout,
): Promise<string> {
  const size = data * (parallel.tensor ?? 1) * (parallel.pipeline ?? 1);
  const options = { run, from, to, parallel, replicateOptimizer };
  for (const { code, stderr } of await runRanks(PROGRAM, [JSON.stringify(options)], { size }))
    assert.equal(code, 0, stderr);
  return newestGoodCheckpoint(to)!.good.directory;
}

/** Every number of weights and optimizer by its name; that each is there once is checked. */
export function numbersIn(checkpoint: string): ReadonlyMap<string, unknown> {
  return scope(() => {
    using weights = StoredWeights.open(checkpoint);
    const found = new Map<string, unknown>(weights.names().map((name) => [name, weights.get(name).toArray()]));
    let stored = 0;
    for (const file of readdirSync(checkpoint).filter((name) => name.endsWith('.safetensors'))) {
      using reader = readSafetensors(path.join(checkpoint, file));
      stored += reader.names().length;
      if (file.startsWith('optimizer')) for (const name of reader.names()) found.set(name, reader.get(name).toArray());
    }
    assert.equal(stored, found.size, `${checkpoint}: tensors that are there twice`);
    return found;
  });
}
