/**
 * Speed of a training step (forward, backward, gradient norm, AdamW), side by side with PyTorch and llm.c in one run.
 *
 *   npm run -s bench:train -- [--config G|G-qwen3|gpt2-124m] [--peers all|none] [--llmc DIR] [--rounds 5] [--seconds 3] [--threads N]
 *                             [--batch B] [--isa native|amx|avx512-bf16|avx512|avx2|portable] [--json]
 *
 * PyTorch is that of bench/peers.txt in .peers (see docs/performance.md); llm.c is compiled from the folder given. Every engine is a
 * process that stays alive; rounds take turns; medians are printed. The GEMM peak is the best median over square products of
 * 1024 to 4096 of any engine in the same run. A peer's number of threads is tried unless it is given. Without bfloat16
 * instructions everybody computes in float32. With --json the last line is JSON: tokensPerSecond, gemmPeak (FLOP/s) and
 * shareOfPeak of our fastest step, ratios of it to each peer, and `engines`.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { engineInfo, hasFastBfloat16 } from '@tunan/torch';
import { instructionSets } from './train-step/instruction-sets.ts';
import { prepareLlmC } from './train-step/llm-c.ts';
import { Peer } from './train-step/peer.ts';
import {
  type Engine,
  type GemmPeak,
  gemmPeakOf,
  median,
  type Products,
  playRounds,
  warmEngine,
} from './train-step/rounds.ts';
import { flopsPerToken, type Shape, shapeJson, shapes, tokensPerStep } from './train-step/shapes.ts';

const { values: options } = parseArgs({
  options: {
    config: { type: 'string', default: 'G' },
    peers: { type: 'string', default: 'all' },
    llmc: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    threads: { type: 'string' },
    batch: { type: 'string' },
    isa: { type: 'string', default: 'native' },
    json: { type: 'boolean', default: false },
  },
});

const here = path.join(import.meta.dirname, 'train-step');
const python = path.resolve(import.meta.dirname, '../.peers/bin/python');
const allPytorchModes = ['eager-float32', 'eager-bfloat16', 'compile-float32', 'compile-bfloat16'];
/** Losses of one model on one batch may differ by this share: float32 sums in another order. */
const SAME_LOSS = 1e-3;

function wrong(message: string): never {
  console.error(`error: ${message}`);
  process.exit(2);
}

function chosen<T>(option: string, value: string, table: Readonly<Record<string, T>>): T {
  return table[value] ?? wrong(`--${option} ${value}: choose one of ${Object.keys(table).join(', ')}`);
}

function count(option: string, value: string): number {
  const number = Number(value);
  return Number.isInteger(number) && number > 0 ? number : wrong(`--${option} ${value}: give a positive integer`);
}

const isa = chosen('isa', options.isa, instructionSets);
const all = chosen('peers', options.peers, { all: true, none: false });
const given = chosen('config', options.config, shapes);
const shape: Shape = { ...given, ...(options.batch !== undefined && { batch: count('batch', options.batch) }) };
const rounds = count('rounds', options.rounds);
const fixedThreads = options.threads === undefined ? undefined : count('threads', options.threads);
Object.assign(process.env, isa);

function environmentOf(threads: number): NodeJS.ProcessEnv {
  return { ...process.env, OMP_NUM_THREADS: String(threads) };
}

type Start = (threads: number) => Promise<[Peer, unknown]>;

const startOwn =
  (precision: string): Start =>
  (threads) =>
    Peer.start(
      `tunan ${precision}`,
      [process.execPath, path.join(here, 'own.ts'), precision, String(threads), shapeJson(shape)],
      environmentOf(threads),
    );

const startPytorch =
  (mode: string): Start =>
  (threads) =>
    Peer.start(
      `PyTorch ${mode.replace('-', ' ')}`,
      [python, path.join(here, 'pytorch.py'), mode, String(threads), shapeJson(shape)],
      environmentOf(threads),
    );

/** All processors or half of them (one of two hyperthreads), by the best of three steps, unless the number is given. */
async function bestThreads(start: Start): Promise<number> {
  if (fixedThreads !== undefined) return fixedThreads;
  const processors = availableParallelism();
  const tried: { threads: number; seconds: number }[] = [];
  for (const threads of new Set([processors, Math.ceil(processors / 2)])) {
    const [peer] = await start(threads);
    await using _ = peer;
    for (let i = 0; i < 3; i++) tried.push({ threads, ...((await peer.ask('1')) as { seconds: number }) });
  }
  return tried.reduce((best, each) => (each.seconds < best.seconds ? each : best)).threads;
}

async function engineOf(start: Start, threads: number): Promise<[Engine, Record<string, unknown>]> {
  const [peer, greeting] = await start(threads);
  process.stderr.write(`${peer.name} is warm\n`);
  const precision = peer.name.endsWith('bfloat16') ? 'bfloat16' : 'float32';
  const engine: Engine = { peer, precision, steps: 1, secondsPerStep: [], loss: Number.NaN };
  return [engine, greeting as Record<string, unknown>];
}

interface Row {
  readonly name: string;
  /** Absent where the peer is not there; `why` says so. */
  readonly tokensPerSecond?: number;
  readonly shareOfPeak?: number;
  readonly why?: string;
}

function rowOf(engine: Engine, peaks: Readonly<Record<string, GemmPeak>>): Row {
  const tokensPerSecond = tokensPerStep(shape) / median(engine.secondsPerStep);
  const shareOfPeak = (tokensPerSecond * flopsPerToken(shape)) / peaks[engine.precision]!.flops;
  return { name: engine.peer.name, tokensPerSecond, shareOfPeak };
}

await using children = new AsyncDisposableStack();
const directory = mkdtempSync(path.join(tmpdir(), 'tunan-bench-'));
children.defer(() => rmSync(directory, { recursive: true }));
const engines: Engine[] = [];
const products: Products[] = [];
const absent: Row[] = [];
const versions: Record<string, string> = { libtorch: engineInfo().version };

function partition<T>(values: readonly T[], wanted: (value: T) => boolean): [T[], T[]] {
  return [values.filter(wanted), values.filter((value) => !wanted(value))];
}

async function add(start: Start, threads: number): Promise<Record<string, unknown>> {
  const [engine, greeting] = await engineOf(start, threads);
  children.use(engine.peer);
  engines.push(engine);
  return greeting;
}

async function addProducts(name: string, command: readonly string[], threads: number): Promise<void> {
  const [peer] = await Peer.start(name, command, environmentOf(threads));
  products.push({ peer: children.use(peer), seconds: new Map() });
}

// Without instructions for it bfloat16 is emulated, in both libraries: a step would take minutes and say nothing.
const fastBfloat16 = options.isa === 'native' ? hasFastBfloat16() : ['avx512-bf16', 'amx'].includes(options.isa);
const precisions = fastBfloat16 ? (['float32', 'bfloat16'] as const) : (['float32'] as const);
const fastest = precisions.at(-1)!;
const [pytorchModes, left] = partition(allPytorchModes, (mode) => precisions.some((each) => mode.endsWith(each)));
const peerRow = (mode: string, why: string) => ({ name: `PyTorch ${mode.replace('-', ' ')}`, why });
absent.push(...left.map((mode) => peerRow(mode, 'no bfloat16 instructions here')));

const ownThreads = await bestThreads(startOwn(fastest));
const greetings = [];
for (const precision of precisions) greetings.push(await add(startOwn(precision), ownThreads));
const [{ firstLoss }, { peakBytes }] = [greetings[0]!, greetings.at(-1)!];
const ownEngine = engines.at(-1)!;
await addProducts('tunan', [process.execPath, path.join(here, 'own-gemm.ts'), String(ownThreads)], ownThreads);

if (all && existsSync(python)) {
  const threads = await bestThreads(startPytorch(`eager-${fastest}`));
  for (const mode of pytorchModes) versions.pytorch = String((await add(startPytorch(mode), threads)).version);
  await addProducts('PyTorch', [python, path.join(here, 'pytorch_gemm.py'), String(threads)], threads);
} else if (all) {
  absent.push(...pytorchModes.map((mode) => peerRow(mode, 'not installed')));
}
if (all && options.llmc !== undefined && shape.family === 'gpt2') {
  const command = prepareLlmC(options.llmc, directory, shape);
  const greeting = await add((threads) => Peer.start('llm.c', command, environmentOf(threads)), ownThreads);
  const [theirs, ours] = [Number(greeting.firstLoss), Number(firstLoss)];
  if (!(Math.abs(theirs - ours) < SAME_LOSS * ours))
    throw new Error(`llm.c computes another loss (${theirs}) than we (${ours}) from the same weights and tokens`);
} else if (all) {
  absent.push({ name: 'llm.c', why: shape.family === 'gpt2' ? 'not given (--llmc DIR)' : 'trains GPT-2 alone' });
}

for (const engine of engines) await warmEngine(engine, Number(options.seconds));
await playRounds(rounds, engines, products, precisions);

const peaks = Object.fromEntries(precisions.map((each) => [each, gemmPeakOf(each, products)]));
const rows = [...engines.map((engine) => rowOf(engine, peaks)), ...absent];
const own = rows.find(({ name }) => name === `tunan ${fastest}`)!;
const { calls, secondsPerCall } = (await ownEngine.peer.ask('calls')) as { calls: number; secondsPerCall: number };
const stepSeconds = median(ownEngine.secondsPerStep);
const peerRows = rows.filter(({ name }) => !name.startsWith('tunan'));
const best = peerRows
  .filter(({ name, tokensPerSecond }) => name.startsWith('PyTorch') && tokensPerSecond !== undefined)
  .reduce<Row | undefined>((a, b) => (a === undefined || b.tokensPerSecond! > a.tokensPerSecond! ? b : a), undefined);
const ratioTo = (row: Row) =>
  row.tokensPerSecond === undefined ? row.why : own.tokensPerSecond! / row.tokensPerSecond;

const report = {
  config: options.config,
  shape,
  machine: `${cpus()[0]?.model ?? process.arch}, ${availableParallelism()} processors`,
  date: new Date().toISOString().slice(0, 10),
  versions,
  threads: ownThreads,
  instructionSet: options.isa,
  tokensPerSecond: own.tokensPerSecond,
  gemmPeak: peaks[fastest]!.flops,
  shareOfPeak: own.shareOfPeak,
  ratios: {
    ...Object.fromEntries(peerRows.map((row) => [row.name, ratioTo(row)])),
    ...(best && { 'best PyTorch': ratioTo(best) }),
  },
  gemmPeaks: peaks,
  engines: rows,
  flopsPerToken: flopsPerToken(shape),
  callOverhead: { calls, secondsPerCall, shareOfStep: (calls * secondsPerCall) / stepSeconds },
  peakBytes,
};

const numberIn = (value: number | undefined, digits: number) => value?.toFixed(digits) ?? '';
console.log(
  `config ${options.config} (${JSON.stringify(shape)}), ${report.machine}, ${ownThreads} threads, instruction set ${options.isa}, ` +
    Object.entries(versions)
      .map((entry) => entry.join(' '))
      .join(', '),
);
for (const [precision, { flops, by }] of Object.entries(peaks))
  console.log(`GEMM peak ${precision}: ${(flops / 1e9).toFixed(0)} GFLOP/s (${by})`);
console.log(`${'engine'.padEnd(26)} tokens/s  share of peak  ours is faster by`);
for (const row of rows) {
  const ratio = ratioTo(row);
  console.log(
    row.name.padEnd(26) +
      (row.why === undefined
        ? `${numberIn(row.tokensPerSecond, 0).padStart(9)}  ${numberIn(100 * row.shareOfPeak!, 1).padStart(11)} %` +
          `  ${typeof ratio === 'number' ? `${ratio.toFixed(2)} x` : ''}`
        : ` ${row.why}`),
  );
}
console.log(
  `calls from TypeScript: ${calls} a step, at most ${(100 * report.callOverhead.shareOfStep).toFixed(2)} % of it; ` +
    `peak of tensor memory ${(Number(peakBytes) / 2 ** 20).toFixed(0)} MiB`,
);
if (options.json) console.log(JSON.stringify(report));
