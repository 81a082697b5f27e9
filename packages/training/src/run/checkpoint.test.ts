import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { mountSmallDisk } from '@tunan/files/testing/small-disk';
import { full, readSafetensors } from '@tunan/torch';
import { Mesh } from '../parallel/mesh.ts';
import { trainingError } from '../testing/training-error.ts';
import { newestGoodCheckpoint } from './checkpoint.ts';
import { listCheckpoints } from './checkpoint-files.ts';
import { CheckpointWriter, type GiveFiles } from './checkpoint-writer.ts';

function temporary(t: TestContext): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'tunan-checkpoint-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return path.join(directory, 'checkpoints');
}

function writerTo(directory: string, keep = 10): CheckpointWriter {
  return new CheckpointWriter(Mesh.alone(), { directory, keep, log: path.join(directory, '..', 'log.jsonl') });
}

function stateOf(step: number) {
  return { step, samples: step * 4, tokens: step * 128, seed: 1, planHash: 'abc', sources: [] };
}

const files =
  (content: string): GiveFiles =>
  (put) => {
    put({ name: 'model.safetensors', content });
    put({ name: 'optimizer.safetensors', content: `moments of ${content}` });
  };

function save(directory: string, step: number, keep = 10, content = `weights of step ${step}`): string {
  return writerTo(directory, keep).write(stateOf(step), files(content));
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
  assert.throws(
    () =>
      writerTo(directory).write(stateOf(2), (put) => {
        put({ name: 'model.safetensors', content: 'half' });
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

test('in the background: what was true when it was begun, under its name when all is on the disk, one at a time', async (t) => {
  const directory = temporary(t);
  mkdirSync(path.dirname(directory), { recursive: true });
  writeFileSync(path.join(directory, '..', 'log.jsonl'), '');
  using weights = full([300, 200], 1);
  await using writer = writerTo(directory, 1);
  const give: GiveFiles = (put) => {
    put({ name: 'model.safetensors', tensors: new Map([['weights', weights]]), metadata: { format: 'pt' } });
    put({ name: 'config.json', content: '{"文": 1}' });
  };
  writer.start(stateOf(1), give);
  weights.fill_(2);
  assert.deepEqual([writer.isBusy, listCheckpoints(directory)], [true, []]);
  assert.throws(() => writer.start(stateOf(2), give), /another checkpoint is being written/);
  let found: string | undefined;
  while (found === undefined) {
    await setImmediate(); // a step of training
    found = writer.look();
  }
  assert.deepEqual([path.basename(found), writer.isBusy], ['step-1', false]);
  const { good, damaged } = newestGoodCheckpoint(directory)!;
  assert.deepEqual([good.directory, damaged], [found, []]);
  assert.deepEqual(Object.keys(good.state.sha256), ['config.json', 'model.safetensors']);
  using file = readSafetensors(path.join(found, 'model.safetensors'));
  const written = file.get('weights').toArray() as Float32Array;
  assert.deepEqual([written.length, new Set(written)], [60_000, new Set([1])]);

  // The same bytes as one that training waits for.
  writer.start(stateOf(2), give);
  const behind = await writer.settle();
  const hashes = newestGoodCheckpoint(directory)!.good.state.sha256;
  assert.deepEqual([path.basename(behind!), listCheckpoints(directory)], ['step-2', ['step-2']]);
  writer.write(stateOf(3), give);
  assert.deepEqual(newestGoodCheckpoint(directory)!.good.state.sha256, hashes);
});

test('a full disk in the background: the error comes with the next step, the last good checkpoint stays', async (t) => {
  const disk = mountSmallDisk(t, '256k');
  if (disk === undefined) return;
  const directory = path.join(disk.directory, 'checkpoints');
  mkdirSync(directory);
  writeFileSync(path.join(disk.directory, 'log.jsonl'), '');
  await using writer = writerTo(directory);
  writer.start(stateOf(1), files('x'.repeat(50_000)));
  await writer.settle();
  writer.start(stateOf(2), files('y'.repeat(120_000)));
  await assert.rejects(
    writer.settle(),
    trainingError(
      'TRAINING_WRITE_FAILED',
      /step-2: the disk is full: free some space.*; the last good checkpoint is .*step-1$/,
    ),
  );
  assert.deepEqual([readdirSync(directory), writer.isBusy], [['step-1'], false]);
});

test('one that is given up leaves no name', async (t) => {
  const directory = temporary(t);
  {
    await using writer = writerTo(directory);
    writer.start(stateOf(1), files('x'.repeat(1000)));
  }
  assert.deepEqual(listCheckpoints(directory), []);
  save(directory, 2);
  assert.deepEqual(readdirSync(directory), ['step-2']);
});
