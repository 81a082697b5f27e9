/**
 * Speed and memory of tuning: an adapter beside a model of the shape of recipes/model/small-110m.json, side by side with transformers + PEFT.
 *
 *   node_modules/.bin/node bench/tune.ts [--examples 512] [--rank 16] [--vocabulary 32768] [--batch 32] [--micro 8] [--rounds 5] [--steps 1] [--threads N]
 *                                        [--clock wall|cpu] [--json]
 *
 * Random weights, written once and read by both; the losses of the first step must agree. Examples are of lengths as people's are, from some
 * 30 to 512 tokens, a third to two thirds of each is learnt. Ours is `tune()` as it stands: packed rows, log, clipping. The peer does the
 * same step, --batch examples in micro batches of --micro: PEFT's adapter on all maps of the blocks, scaled_dot_product_attention, fused AdamW, the
 * loss of transformers; batches are sorted by length so that little is padding, which is its best. Only real tokens count. Each is a process that
 * stays alive; rounds take turns, medians are printed. Memory is the peak of the whole process. On a machine that others use, one thread and
 * `--clock cpu` compare processor time.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { LanguageModel } from '@tunan/model';
import { hasFastBfloat16 } from '@tunan/torch';
import { seededRandom } from './seeded-random.ts';
import { Peer } from './train-step/peer.ts';
import { median } from './train-step/rounds.ts';

const { values: options } = parseArgs({
  options: {
    examples: { type: 'string', default: '512' },
    rank: { type: 'string', default: '16' },
    vocabulary: { type: 'string', default: '32768' },
    batch: { type: 'string', default: '32' },
    micro: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '1' },
    threads: { type: 'string', default: String(availableParallelism()) },
    clock: { type: 'string', default: 'wall' },
    json: { type: 'boolean', default: false },
  },
});

/** Losses of the first step may differ by this share: the first batches hold other examples of the same kind. */
const SAME_LOSS = 0.02;
const LONGEST = 512;

interface Answer {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly tokens: number;
  readonly loss: number;
  readonly peakBytes: number;
}

const here = path.join(import.meta.dirname, 'tune');
const python = path.resolve(import.meta.dirname, '../.peers/bin/python');
if (!existsSync(python)) throw new Error('transformers and PEFT of bench/peers.txt are not in .peers');

const directory = mkdtempSync(path.join(tmpdir(), 'tunan-bench-tune-'));
await using children = new AsyncDisposableStack();
children.defer(() => rmSync(directory, { recursive: true }));

const vocabulary = Number(options.vocabulary);
const model = path.join(directory, 'model');
{
  const sizes = { vocabularySize: vocabulary, contextLength: 1024, layers: 12, width: 768, heads: 12, dropout: 0 };
  using made = LanguageModel.create(
    { ...sizes, initStd: 0.02, scaledResidualInit: true, endOfDocumentId: 0 },
    { seed: 1 },
  );
  made.save(model);
}
const random = seededRandom(1);
const examples = Array.from({ length: Number(options.examples) }, () => {
  // Log-normal around 110.
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const length = Math.min(LONGEST, Math.max(16, Math.round(110 * Math.exp(0.7 * normal))));
  const prompt = Math.round(length * (1 / 3 + random() / 3));
  return { ids: Array.from({ length }, () => 1 + Math.floor(random() * (vocabulary - 1))), prompt };
});
const data = path.join(directory, 'examples.json');
writeFileSync(data, JSON.stringify(examples));

const precision = hasFastBfloat16() ? 'bfloat16' : 'float32';
const settings = [model, data, directory, options.rank, options.threads, precision, options.batch];
const environment = { ...process.env, OMP_NUM_THREADS: options.threads };
const [own, ownGreeting] = await Peer.start(
  'tunan',
  [process.execPath, path.join(here, 'own.ts'), ...settings],
  environment,
);
children.use(own);
process.stderr.write('tunan is warm\n');
const [peer, peerGreeting] = await Peer.start(
  'transformers + PEFT',
  [python, path.join(here, 'peft_step.py'), ...settings, options.micro],
  environment,
);
children.use(peer);
process.stderr.write('transformers + PEFT is warm\n');

const [ours, theirs] = [ownGreeting, peerGreeting] as [Answer, Answer & { versions: Record<string, string> }];
if (Math.abs(ours.loss - theirs.loss) > SAME_LOSS * theirs.loss)
  throw new Error(`the losses of the first step differ: ${ours.loss} and ${theirs.loss}`);

const played = new Map<Peer, Answer[]>([
  [own, []],
  [peer, []],
]);
for (let round = 0; round < Number(options.rounds); round++)
  for (const [engine, answers] of played) answers.push((await engine.ask(options.steps)) as Answer);

const clock = options.clock === 'cpu' ? 'cpuSeconds' : 'seconds';
const rows = [...played].map(([{ name }, answers]) => ({
  name,
  tokensPerSecond: median(answers.map((answer) => answer.tokens / answer[clock])),
  all: answers.map((answer) => Math.round(answer.tokens / answer[clock])),
  peakMiB: Math.max(...answers.map(({ peakBytes }) => peakBytes)) / 2 ** 20,
}));
const [mine, other] = rows as [(typeof rows)[number], (typeof rows)[number]];
const report = {
  machine: `${cpus()[0]?.model ?? process.arch}, ${availableParallelism()} processors`,
  date: new Date().toISOString().slice(0, 10),
  versions: theirs.versions,
  options: { ...options, precision },
  rows,
  faster: mine.tokensPerSecond / other.tokensPerSecond,
  memory: mine.peakMiB / other.peakMiB,
};
console.log(
  `${report.machine}, ${options.threads} threads, ${precision}, ${options.clock} time; ${JSON.stringify(theirs.versions)}`,
);
for (const { name, tokensPerSecond, peakMiB, all } of rows)
  console.log(
    `${name.padEnd(22)} ${tokensPerSecond.toFixed(0).padStart(6)} tokens/s  ${peakMiB.toFixed(0).padStart(6)} MiB  (${all.join(', ')})`,
  );
console.log(`ours: ${report.faster.toFixed(2)} x the real tokens a second, ${report.memory.toFixed(2)} x the memory`);
if (options.json) console.log(JSON.stringify(report));
