// Our tuning as a child of tune.ts: `own.ts MODEL EXAMPLES DIRECTORY RANK THREADS PRECISION BATCH`. A line "N" on stdin lets N steps run; the
// answer tells what they took. Between orders it waits inside onProgress: what is measured is the loop as users run it.
import { readFileSync, readSync } from 'node:fs';
import path from 'node:path';
import { setThreads } from '@tunan/torch';
import { type EncodedExample, type ExampleSets, tune } from '@tunan/training';

const [model, data, directory, rank, threads, precision, batch] = process.argv.slice(2) as [
  ...[model: string, data: string, directory: string, rank: string, threads: string],
  ...[precision: 'float32' | 'bfloat16', batch: string],
];
setThreads(Number(threads));

const given = JSON.parse(readFileSync(data, 'utf8')) as { ids: number[]; prompt: number }[];
const train = given.map(
  ({ ids, prompt }, line): EncodedExample => ({
    ids: Int32Array.from(ids),
    learnt: Uint8Array.from(ids, (_, at) => (at < prompt ? 0 : 1)),
    line,
    content: { kind: 'text', text: '' },
  }),
);
/** Rows of the length that tuning takes for examples of 512 tokens, as many as hold a batch. */
const ROW = 512;
const tokens = train.reduce((sum, { ids }) => sum + ids.length, 0);
const none = { examples: 0, tokens: 0, learnt: 0 };
const sets: ExampleSets = {
  ...{ train, validation: [], tooLong: [], sha256: 'bench' },
  counts: { train: { ...none, examples: train.length, tokens }, validation: none, shared: 0, near: 0, repeated: 0 },
};

/** Steps to come before the next answer. */
let left = 1;
let began = { time: performance.now(), cpu: process.cpuUsage() };
let perStep = 0;
let done = 0;
const stop = new AbortController();

function order(): number {
  const bytes = Buffer.alloc(64);
  const length = readSync(0, bytes);
  return length === 0 ? 0 : Number(bytes.toString('utf8', 0, length));
}

await tune({
  ...{ model, sets, data, directory: path.join(directory, 'run'), way: 'lora', seed: 1, resume: 'never', precision },
  ...{ epochs: 1000, lora: { rank: Number(rank) } },
  batch: Math.max(1, Math.round((Number(batch) * tokens) / train.length / ROW)),
  coder: { sha256: 'bench', vocabularySize: 2, begin: 0, end: 0 } as never,
  signal: stop.signal,
  onStart: ({ plan, rows: [{ filled, rows } = { filled: 0, rows: 1 }] }) => {
    perStep = (filled / rows) * plan.batch.globalBatch;
    console.error(
      `${plan.batch.globalBatch} rows of ${plan.sequenceLength}, ${plan.microBatch} at once; ${((100 * filled) / rows / plan.sequenceLength).toFixed(1)} % filled`,
    );
  },
  onProgress: ({ line }) => {
    done++;
    if (--left > 0) return;
    const { user, system } = process.cpuUsage(began.cpu);
    console.log(
      JSON.stringify({
        seconds: (performance.now() - began.time) / 1000,
        cpuSeconds: (user + system) / 1e6,
        tokens: perStep * done,
        loss: line.loss,
        peakBytes: process.resourceUsage().maxRSS * 1024,
      }),
    );
    [left, done] = [order(), 0];
    began = { time: performance.now(), cpu: process.cpuUsage() };
    if (left === 0) stop.abort();
  },
});
