/**
 * A step of generation in the engine of this process, without server, tokenizer and sampling: one token more for each of several sequences.
 *
 *   node bench/decode.ts [--config G|gpt2-124m|G-qwen3] [--streams 1,8,32] [--past 128] [--steps 60] [--threads N]
 *     [--kinds float32,bfloat16,int8] [--clock wall|cpu] [--json]
 *
 * Kinds take turns step by step; medians. "read" is what a step must read at least, weights and kept keys and values once; its speed is set
 * against that of adding up an array in memory of the same run: where it is near, only fewer bytes would be faster.
 * `--clock cpu` counts processor time, on one thread: for a machine that others use.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { KeyValueCache, KeyValuePool, LanguageModel, type ModelOptions, PackedForward } from '@tunan/model';
import { noGrad, ones, scope, setThreads } from '@tunan/torch';
import { median } from './train-step/rounds.ts';
import { configOf, shapes } from './train-step/shapes.ts';

const { values: options } = parseArgs({
  options: {
    config: { type: 'string', default: 'G' },
    streams: { type: 'string', default: '1,8,32' },
    past: { type: 'string', default: '128' },
    steps: { type: 'string', default: '60' },
    threads: { type: 'string' },
    kinds: { type: 'string', default: 'float32,bfloat16,int8' },
    clock: { type: 'string', default: 'wall' },
    json: { type: 'boolean', default: false },
  },
});

const kindOptions: Readonly<Record<string, ModelOptions & { readonly weightBytes: number }>> = {
  float32: { dtype: 'float32', weightBytes: 4 },
  bfloat16: { dtype: 'bfloat16', weightBytes: 2 },
  int8: { dtype: 'float32', weights: 'int8', weightBytes: 1 },
};

const [past, steps] = [Number(options.past), Number(options.steps)];
const threads = options.threads === undefined ? availableParallelism() : Number(options.threads);
if (options.clock === 'cpu' && threads !== 1)
  throw new Error('--clock cpu counts all threads together: add --threads 1');
setThreads(threads);
const shape = shapes[options.config];
if (shape === undefined) throw new Error(`--config ${options.config}: choose one of ${Object.keys(shapes).join(', ')}`);
const config = { ...configOf(shape), contextLength: Math.max(shape.context, past + steps) };

function milliseconds(run: () => void): number {
  if (options.clock === 'cpu') {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  }
  const start = performance.now();
  run();
  return performance.now() - start;
}

/** GB/s of adding up an array that no cache holds. */
function readSpeed(): number {
  return scope(() => {
    const array = ones([64 * 2 ** 20]);
    const times = Array.from({ length: 7 }, () => milliseconds(() => scope(() => noGrad(() => array.sum().item()))));
    return (4 * array.size) / median(times) / 1e6;
  });
}

interface Runner {
  readonly step: () => void;
  readonly readBytes: number;
}

/** The sequences of one kind behind `past` positions each. */
function runner(model: LanguageModel, streams: number, weightBytes: number): Runner & Disposable {
  const pool = new KeyValuePool(model);
  const forward = new PackedForward(model);
  const caches = Array.from({ length: streams }, (_, stream) => {
    const cache = new KeyValueCache(pool);
    const ids = Array.from({ length: past }, (_, i) => (stream * 131 + i * 31) % model.sizes.vocabularySize);
    forward.extend([{ cache, ids, logits: 'none' }]);
    return cache;
  });
  const { sizes } = model;
  const kept = (KeyValueCache.bytes(model, 32) / 32) * (past + steps / 2) * streams;
  return {
    step: () =>
      void forward.extend(caches.map((cache, i) => ({ cache, ids: [(cache.length + i) % 97], logits: 'last' }))),
    readBytes: sizes.parameters.multiplied * weightBytes + kept,
    [Symbol.dispose]: () => {
      for (const cache of caches) cache.dispose();
    },
  };
}

// Read from a directory, as a server does: in bfloat16 the weights are bfloat16 too.
const directory = mkdtempSync(path.join(tmpdir(), 'tunan-decode-'));
{
  using made = LanguageModel.create(config, { seed: 1 });
  made.save(directory);
}
const kinds = options.kinds.split(',').map((name) => {
  const kind = kindOptions[name];
  if (kind === undefined) throw new Error(`--kinds ${name}: choose of ${Object.keys(kindOptions).join(', ')}`);
  const { weightBytes, ...rest } = kind;
  return { name, weightBytes, model: LanguageModel.load(directory, rest) };
});
rmSync(directory, { recursive: true });

const rows = options.streams
  .split(',')
  .map(Number)
  .flatMap((streams) => {
    const runners = kinds.map(({ name, model, weightBytes }) => ({
      name,
      times: [] as number[],
      ...runner(model, streams, weightBytes),
    }));
    for (let step = 0; step < steps; step++) {
      for (const { times, step: run } of runners) times.push(milliseconds(run));
    }
    return runners.map(({ name, times, readBytes, ...rest }) => {
      rest[Symbol.dispose]();
      const time = median(times);
      return {
        streams,
        kind: name,
        ms: time,
        tokensPerSecond: (1_000 * streams) / time,
        readGBPerSecond: readBytes / time / 1e6,
      };
    });
  });
const memory = readSpeed();
const result = { config: options.config, past, threads, clock: options.clock, memoryGBPerSecond: memory, rows };
if (!options.json) {
  console.log(
    `${options.config}, ${past} positions kept, ${threads} threads, ${options.clock} time; memory is read at ${memory.toFixed(1)} GB/s`,
  );
  for (const { streams, kind, ms, tokensPerSecond, readGBPerSecond } of rows)
    console.log(
      `${streams} streams, ${kind}: ${ms.toFixed(2)} ms, ${tokensPerSecond.toFixed(0)} tokens/s, read at ${readGBPerSecond.toFixed(1)} GB/s (${Math.round((100 * readGBPerSecond) / memory)} %)`,
    );
} else {
  console.log(JSON.stringify(result));
}
for (const { model } of kinds) model.dispose();
