/** A checkpoint in parts that cannot be written, or not be read: every rank ends with the same error, and what was good stays. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { mountSmallDisk } from '@tunan/files/testing/small-disk';
import { runRanks } from '@tunan/torch/testing/run-ranks';
import { temporaryDirectory, tinyRecipe, writeTinyCorpus } from '../testing/tiny-corpus.ts';

const PROGRAM = fileURLToPath(new URL('../testing/train-rank.ts', import.meta.url));

/** What all ranks say at their end. */
async function allSay(size: number, options: object): Promise<string> {
  const ends = await runRanks(PROGRAM, [JSON.stringify(options)], { size });
  for (const { code, stderr } of ends) assert.deepEqual({ code, stderr }, { code: 1, stderr: ends[0]!.stderr });
  return ends[0]!.stderr;
}

test('a full disk, then a corrupt part, then a missing one', async (t) => {
  const disk = mountSmallDisk(t, '600k'); // a checkpoint of this model takes 360 kB
  if (disk === undefined) return;
  const recipe = tinyRecipe([writeTinyCorpus(path.join(temporaryDirectory(t), 'poems'), 1)], {
    microBatch: 2,
    steps: 9,
    checkpoint: { every: 3, keep: 2 },
    threads: 1,
  });
  const directory = path.join(disk.directory, 'run');
  const checkpoints = path.join(directory, 'checkpoints');
  assert.match(
    await allSay(3, { recipe, directory, resume: 'never' }),
    /^rank [012]: .*step-6: the disk is full: free some space.*; the last good checkpoint is .*step-3\n$/,
  );
  assert.deepEqual(readdirSync(checkpoints), ['step-3']);
  disk.remount('size=4m');
  const part = path.join(checkpoints, 'step-3', 'optimizer-00002-of-00003.safetensors');
  const bytes = readFileSync(part);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(part, bytes);
  const resumed = { recipe, directory, resume: 'always' };
  assert.match(
    await allSay(2, resumed),
    /optimizer-00002-of-00003\.safetensors does not have the checksum it was written with; no other checkpoint is good/,
  );
  rmSync(part);
  assert.match(
    await allSay(2, resumed),
    /optimizer-00002-of-00003\.safetensors is missing; no other checkpoint is good/,
  );
});
