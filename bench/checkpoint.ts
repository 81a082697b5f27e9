/**
 * How long a checkpoint holds training up, against the time of one copy of its state in memory.
 *
 *   node bench/checkpoint.ts [--layers 12] [--width 768] [--rounds 5] [--pause 5] [--layout 1,1,1] [--json]
 *
 * Trains a GPT-2 of that shape (85 M parameters, 1 GB of weights and moments) with a checkpoint in the background every four steps, and takes
 * what its log says: `milliseconds.checkpoint`. Two steps pause for so many seconds, so that no checkpoint waits for the disk of the one
 * before; at another as many bytes are copied, to fresh memory and to memory that was written to before. Medians. With a layout of several
 * processes (data, tensor, pipeline; over Gloo) each of them copies its share of the state, all at once, and what the first one says counts:
 * checkpoints begin and end together.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { IndexedDatasetWriter } from '@tunan/tokenizer/shards';
import { runRanks } from '@tunan/torch/testing/run-ranks';
import { Mesh, readRunLog, train } from '@tunan/training';
import { median } from './train-step/rounds.ts';

const { values: options } = parseArgs({
  options: {
    layers: { type: 'string', default: '12' },
    width: { type: 'string', default: '768' },
    rounds: { type: 'string', default: '5' },
    pause: { type: 'string', default: '5' },
    layout: { type: 'string', default: '1,1,1' },
    json: { type: 'boolean', default: false },
  },
});
const { layers, width, rounds, pause } = Object.fromEntries(
  (['layers', 'width', 'rounds', 'pause'] as const).map((name) => [name, Number(options[name])]),
) as Record<'layers' | 'width' | 'rounds' | 'pause', number>;

const VOCABULARY = 64;
const EOD = 4;
/** Steps between two checkpoints. */
const EVERY = 4;

function writeShards(directory: string): void {
  mkdirSync(directory);
  using writer = new IndexedDatasetWriter(path.join(directory, 'train'), VOCABULARY);
  for (let document = 0; document < 50; document++)
    writer.addDocument([...Array.from({ length: 40 }, (_, at) => 5 + ((document + at) % 50)), EOD]);
  const tokenizer = { sha256: 'a tokenizer of numbers', vocabularySize: VOCABULARY, eod: EOD };
  const splits = { train: { prefix: 'train', ...writer.finish() } };
  writeFileSync(
    path.join(directory, 'tokens.json'),
    JSON.stringify({ format: 'tunan-tokens', formatVersion: 1, tokenizer, splits }),
  );
}

/** Milliseconds of one copy of so many bytes, in pieces of the size of the largest matrix of a layer. */
function copy(bytes: number): { fresh: number; warm: number } {
  const values = new Float32Array(4 * width * width).fill(1);
  const targets: Float32Array[] = [];
  const timed = (body: () => void) => {
    const began = performance.now();
    body();
    return performance.now() - began;
  };
  const fresh = timed(() => {
    for (let copied = 0; copied < bytes; copied += values.byteLength) targets.push(values.slice());
  });
  const warm = timed(() => {
    for (const target of targets) target.set(values);
  });
  return { fresh, warm };
}

const [data, tensor, pipeline] = options.layout.split(',').map(Number) as [number, number, number];
const processes = data * tensor * pipeline;
if (processes > 1 && process.env.RANK === undefined) {
  const ends = await runRanks(fileURLToPath(import.meta.url), process.argv.slice(2), { size: processes });
  for (const { code, stderr } of ends) if (code !== 0) throw new Error(stderr);
  process.stdout.write(ends[0]!.stdout);
} else await measure();

async function measure(): Promise<void> {
  using mesh = Mesh.join(process.env, { parallel: { tensor, pipeline } });
  const [home] = mesh.gather(mesh.isFirst ? mkdtempSync(path.join(tmpdir(), 'tunan-checkpoint-bench-')) : '');
  try {
    if (mesh.isFirst) writeShards(path.join(home!, 'tokens'));
    mesh.world.barrier();
    const result = await checkpoints(mesh, home!);
    if (!mesh.isFirst) return;
    const { gigabytes, copied, heldMilliseconds, freshCopyMilliseconds, warmCopyMilliseconds } = result;
    console.log(`state of ${gigabytes.toFixed(2)} GB in ${processes} process(es), ${copied} checkpoints`);
    for (const [name, one] of [
      ['fresh memory', freshCopyMilliseconds],
      ['memory written to before', warmCopyMilliseconds],
    ] as const)
      console.log(
        `held up ${heldMilliseconds.toFixed(0)} ms, a copy to ${name} ${one.toFixed(0)} ms: ${(heldMilliseconds / one).toFixed(2)} of it`,
      );
    if (options.json) console.log(JSON.stringify(result));
  } finally {
    mesh.world.barrier();
    if (mesh.isFirst) rmSync(home!, { recursive: true });
    mesh.world.leave();
  }
}

async function checkpoints(mesh: Mesh, home: string) {
  const directory = path.join(home, 'run');
  const parameters = 12 * layers * width ** 2; // of the matrices of the blocks; the rest is below a hundredth
  const stateBytes = 12 * parameters;
  const copies: { fresh: number; warm: number }[] = [];
  const pausing = new Int32Array(new SharedArrayBuffer(4));
  await train({
    recipe: {
      model: { contextLength: 32, layers, width, heads: width / 64 },
      data: [{ corpus: path.join(home, 'tokens') }],
      sequenceLength: 32,
      microBatch: 1,
      globalBatch: processes,
      steps: EVERY * rounds + 2,
      parallel: { tensor, pipeline },
      optimizer: { learningRate: 1e-4 },
      checkpoint: { every: EVERY, keep: 1 },
    },
    directory,
    mesh,
    onProgress: ({ line: { step } }) => {
      mesh.world.barrier();
      if (step % EVERY === 2) copies.push(copy(stateBytes / processes));
      else Atomics.wait(pausing, 0, 0, 1000 * pause); // the thread writes meanwhile
    },
  });
  const held = readRunLog(path.join(directory, 'log.jsonl')).flatMap(({ milliseconds: { checkpoint } }) =>
    checkpoint === undefined ? [] : [checkpoint],
  );
  return {
    gigabytes: stateBytes / 1e9,
    copied: held.length,
    heldMilliseconds: median(held),
    freshCopyMilliseconds: median(copies.map(({ fresh }) => fresh)),
    warmCopyMilliseconds: median(copies.map(({ warm }) => warm)),
  };
}
