import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { mountSmallDisk } from '@tunan/files/testing/small-disk';
import { Mesh } from '../parallel/mesh.ts';
import { trainingError } from '../testing/training-error.ts';
import { listCheckpoints, newestGoodCheckpoint, writeCheckpoint } from './checkpoint.ts';

function temporary(t: TestContext): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-checkpoint-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return path.join(directory, 'checkpoints');
}

function save(directory: string, step: number, keep = 10, content = `weights of step ${step}`): string {
  const state = { step, samples: step * 4, tokens: step * 128, seed: 1, planHash: 'abc', sources: [] };
  return writeCheckpoint(Mesh.alone(), directory, state, keep, (aside) => {
    writeFileSync(path.join(aside, 'model.safetensors'), content);
    writeFileSync(path.join(aside, 'optimizer.safetensors'), `moments of ${content}`);
  });
}

test('what is written is read, only the last ones stay', (t) => {
  const directory = temporary(t);
  for (const step of [5, 10, 100, 20]) save(directory, step, 3);
  assert.deepEqual(listCheckpoints(directory), ['step-100', 'step-20', 'step-10']);
  const { state } = newestGoodCheckpoint(directory)!.good;
  assert.equal(state.samples, 400);
  assert.deepEqual(Object.keys(state.sha256), ['model.safetensors', 'optimizer.safetensors']);
});

test('one changed byte is found, the file and the older good checkpoint are named, nothing is touched', (t) => {
  const directory = temporary(t);
  save(directory, 1);
  save(directory, 2);
  save(directory, 3);
  const flip = (step: number, name: string) => {
    const file = path.join(directory, `step-${step}`, name);
    const content = readFileSync(file);
    content[3]! ^= 1;
    writeFileSync(file, content);
  };
  flip(3, 'optimizer.safetensors');
  flip(2, 'model.safetensors');
  const found = newestGoodCheckpoint(directory)!;
  assert.equal(found.good.state.step, 1);
  assert.match(found.damaged[0]!.damage.en, /step-3\/optimizer\.safetensors does not have the checksum/);
  assert.deepEqual(
    found.damaged.map((one) => [path.basename(one.directory), path.basename(one.damage.en.split(' ')[0]!)]),
    [
      ['step-3', 'optimizer.safetensors'],
      ['step-2', 'model.safetensors'],
    ],
  );
  flip(1, 'model.safetensors');
  assert.throws(
    () => newestGoodCheckpoint(directory),
    trainingError('TRAINING_CHECKPOINT_DAMAGED', /step-3.*no other checkpoint is good/),
  );
  assert.deepEqual(listCheckpoints(directory), ['step-3', 'step-2', 'step-1']);
});

test("a note in a checkpoint, and a file beside them, are in nobody's way", (t) => {
  const directory = temporary(t);
  const checkpoint = save(directory, 1);
  writeFileSync(path.join(checkpoint, 'README.md'), 'my own note');
  writeFileSync(path.join(directory, 'step-99'), 'no checkpoint');
  assert.equal(newestGoodCheckpoint(directory)?.good.state.step, 1);
});

test('missing files and a torn state are damage', (t) => {
  const directory = temporary(t);
  const checkpoint = save(directory, 1);
  rmSync(path.join(checkpoint, 'model.safetensors'));
  assert.throws(
    () => newestGoodCheckpoint(directory),
    trainingError('TRAINING_CHECKPOINT_DAMAGED', /model\.safetensors is missing/),
  );
  writeFileSync(path.join(checkpoint, 'state.json'), '{"version": 1, "st');
  assert.throws(
    () => newestGoodCheckpoint(directory),
    trainingError('TRAINING_CHECKPOINT_DAMAGED', /state\.json is not the state/),
  );
});

test('a write that stops halfway leaves no checkpoint, and its rest is cleared by the next', (t) => {
  const directory = temporary(t);
  save(directory, 1);
  const state = { step: 2, samples: 8, tokens: 1, seed: 1, planHash: '', sources: [] };
  assert.throws(
    () =>
      writeCheckpoint(Mesh.alone(), directory, state, 10, (aside) => {
        writeFileSync(path.join(aside, 'model.safetensors'), 'half');
        throw new Error('the power went');
      }),
    /the power went/,
  );
  mkdirSync(path.join(directory, 'step-7.partial')); // as left by a kill -9
  assert.deepEqual(listCheckpoints(directory), ['step-1']);
  save(directory, 3);
  assert.deepEqual(readdirSync(directory).sort(), ['step-1', 'step-3']);
});

test('a checkpoint of the same step is replaced', (t) => {
  const directory = temporary(t);
  save(directory, 1, 2, 'first');
  const checkpoint = save(directory, 1, 2, 'second');
  assert.equal(newestGoodCheckpoint(directory)!.good.directory, checkpoint);
  assert.equal(readFileSync(path.join(checkpoint, 'model.safetensors'), 'utf8'), 'second');
});

test('a full disk is a clear error, the last good checkpoint stays', (t) => {
  const disk = mountSmallDisk(t, '256k');
  if (disk === undefined) return;
  const { directory } = disk;
  save(directory, 1, 10, 'x'.repeat(50_000));
  assert.throws(
    () => save(directory, 2, 10, 'y'.repeat(120_000)),
    trainingError(
      'TRAINING_WRITE_FAILED',
      /step-2: the disk is full: free some space.*; the last good checkpoint is .*step-1$/,
    ),
  );
  assert.deepEqual(readdirSync(directory), ['step-1']);
  assert.deepEqual(newestGoodCheckpoint(directory)!.damaged, []);
});

test('an output that is a file, or below one, is a clear error', (t) => {
  const directory = temporary(t);
  writeFileSync(directory, '');
  assert.throws(
    () => save(path.join(directory, 'x'), 1),
    trainingError('TRAINING_WRITE_FAILED', /a part of the path is a file/),
  );
});
