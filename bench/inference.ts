/**
 * Speed of answers: time to the first token and tokens/s, of our engines behind our server and of others.
 *
 *   node bench/inference.ts [--models 15m,110m] [--streams 1,8,32] [--tokens 64] [--prompt 64] [--prefix 1000] [--prefix-streams 1,8]
 *     [--temperatures 0,1] [--rounds 3] [--type f32] [--threads 2] [--engines 'tunan torch,tunan llama.cpp,llama-server,…']
 *     [--clock wall|cpu] [--llama-server FILE] [--node-llama-cpp .peers/node] [--python .peers/bin/python] [--vllm .peers-vllm/bin/vllm] [--home DIR] [--json]
 *
 * Random weights: speed does not depend on them. All read the same numbers, the directory in float32 and its GGUF of `--type`. A load is
 * so many streams at once, each with a prompt of its own and exactly `--tokens` new tokens. "cold" prompts begin with 1 000 tokens that
 * nobody has seen, "warm" ones with 1 000 that one request before had; 16 of their own follow, and 16 are written. Rounds take turns,
 * medians are printed. Tokens/s are those written, over the time from the first request to the end of the last stream; with `--clock cpu`
 * over the processor time of the engine's process (Linux; with one thread it hardly depends on what else runs).
 *
 * The peers: llama.cpp's own server from the source that node-llama-cpp 3.21.1 bundles (bench/README.md says how it is built); that
 * package itself, `npm install --prefix .peers/node --ignore-scripts --omit=optional node-llama-cpp@3.21.1`; transformers of
 * bench/peers.txt; vLLM's CPU build in an environment of its own.
 */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { GgufType } from '@tunan/inference';
import { contenders, type Running } from './inference/contenders.ts';
import { type Load, median, type Took } from './inference/load.ts';
import { type BenchModel, type BenchModelName, benchModel, benchModels } from './inference/models.ts';
import { seededRandom } from './seeded-random.ts';

const root = path.resolve(import.meta.dirname, '..');
const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: '15m,110m' },
    streams: { type: 'string', default: '1,8,32' },
    tokens: { type: 'string', default: '64' },
    prompt: { type: 'string', default: '64' },
    prefix: { type: 'string', default: '1000' },
    'prefix-streams': { type: 'string', default: '1,8' },
    temperatures: { type: 'string', default: '0,1' },
    rounds: { type: 'string', default: '3' },
    type: { type: 'string', default: 'f32' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    engines: { type: 'string', default: Object.keys(contenders).join(',') },
    'llama-server': { type: 'string', default: 'build/llama-server/bin/llama-server' },
    'node-llama-cpp': { type: 'string', default: '.peers/node' },
    python: { type: 'string', default: '.peers/bin/python' },
    vllm: { type: 'string', default: '.peers-vllm/bin/vllm' },
    home: { type: 'string', default: path.join(root, 'build/bench-inference') },
    clock: { type: 'string', default: 'wall' },
    json: { type: 'boolean', default: false },
  },
});
/** Milliseconds after which the threads of the engine before have stopped spinning. */
const REST = 300;
const OWN_TOKENS = 16;
const numbers = (list: string): number[] => (list === '' ? [] : list.split(',').map(Number));
const random = seededRandom(1);

interface Case {
  readonly scenario: 'plain' | 'cold' | 'warm';
  readonly streams: number;
  readonly temperature: number;
}

interface Line extends Case {
  readonly model: string;
  readonly engine: string;
  readonly firstMilliseconds: number;
  readonly tokensPerSecond: number;
}

const cases: Case[] = [
  ...numbers(options.temperatures).flatMap((temperature) =>
    numbers(options.streams).map((streams): Case => ({ scenario: 'plain', streams, temperature })),
  ),
  ...numbers(options['prefix-streams']).flatMap((streams) =>
    (['cold', 'warm'] as const).map((scenario): Case => ({ scenario, streams, temperature: 0 })),
  ),
];
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const lines: Line[] = [];
note(`${machine()}; ${options.threads} threads; GGUF ${options.type}; ${options.rounds} rounds`);
for (const name of options.models.split(',') as BenchModelName[]) {
  if (!(name in benchModels)) throw new Error(`--models: there is no ${name}; there are ${Object.keys(benchModels)}`);
  lines.push(...(await benchOne(benchModel(name, options.home, options.type as GgufType))));
}
report(lines);
if (options.json) console.log(JSON.stringify({ machine: machine(), options, lines }));
process.exit(0);

async function benchOne(model: BenchModel): Promise<Line[]> {
  const running = await startAll(model);
  const took = new Map<string, Took[]>();
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [place, one] of cases.entries()) {
      const { warmUp, load } = loadOf(one, model, round);
      for (const [engine, { run, pid }] of running) {
        await sleep(REST);
        // A first load of each shape is not counted: memory is taken, and Python plans its kernels.
        if (round === 0 && one.scenario === 'plain')
          await run({ ...load, prompts: loadOf(one, model, -1).load.prompts });
        if (warmUp !== undefined) await run(warmUp);
        const key = `${engine}/${place}`;
        const before = options.clock === 'cpu' ? processorSeconds(pid!) : 0;
        const { firstSeconds, seconds } = await run(load);
        const counted = options.clock === 'cpu' ? processorSeconds(pid!) - before : seconds;
        took.set(key, [...(took.get(key) ?? []), { firstSeconds, seconds: counted }]);
      }
    }
    note(`${model.name}: round ${round + 1} of ${options.rounds}`);
  }
  for (const { stop } of running.values()) await stop();
  return cases.flatMap((one, place) =>
    [...running.keys()].map((engine) => {
      const rounds = took.get(`${engine}/${place}`)!;
      const seconds = median(rounds.map((each) => each.seconds));
      const written = one.streams * (one.scenario === 'plain' ? Number(options.tokens) : OWN_TOKENS);
      return {
        model: model.name,
        engine,
        ...one,
        firstMilliseconds: median(rounds.map((each) => each.firstSeconds)) * 1000,
        tokensPerSecond: written / seconds,
      };
    }),
  );
}

async function startAll(model: BenchModel): Promise<Map<string, Running>> {
  const running = new Map<string, Running>();
  const setting = {
    model,
    threads: Number(options.threads),
    streams: Math.max(...numbers(options.streams), ...numbers(options['prefix-streams'])),
    llamaServer: path.resolve(root, options['llama-server']),
    python: path.resolve(root, options.python),
    vllm: path.resolve(root, options.vllm),
    nodeLlamaCpp: path.resolve(root, options['node-llama-cpp']),
  };
  for (const name of options.engines.split(',')) {
    const start = contenders[name];
    if (start === undefined) throw new Error(`--engines: there is no ${name}; there are ${Object.keys(contenders)}`);
    try {
      running.set(name, await start(setting));
    } catch (error) {
      note(`${name} does not take part: ${(error instanceof Error ? error.message : String(error)).split('\n')[0]}`);
    }
  }
  return running;
}

function loadOf(
  { scenario, streams, temperature }: Case,
  model: BenchModel,
  seed: number,
): { warmUp: Load | undefined; load: Load } {
  const ids = (count: number) =>
    Array.from({ length: count }, () => model.firstId + Math.floor(random() * (model.vocabularySize - model.firstId)));
  const rest = { temperature, seed: seed + 2 };
  if (scenario === 'plain') {
    const prompts = Array.from({ length: streams }, () => ids(Number(options.prompt)));
    return { warmUp: undefined, load: { prompts, tokens: Number(options.tokens), ...rest } };
  }
  const prefix = ids(Number(options.prefix));
  const begin = () => (scenario === 'warm' ? prefix : ids(prefix.length));
  const prompts = Array.from({ length: streams }, () => [...begin(), ...ids(OWN_TOKENS)]);
  const first = { prompts: [[...prefix, ...ids(OWN_TOKENS)]], tokens: 1, ...rest };
  return { warmUp: scenario === 'warm' ? first : undefined, load: { prompts, tokens: OWN_TOKENS, ...rest } };
}

function report(all: readonly Line[]): void {
  for (const model of new Set(all.map((line) => line.model))) {
    const engines = [...new Set(all.filter((line) => line.model === model).map(({ engine }) => engine))];
    console.log(`\n${model}: tokens per second of ${options.clock} (ms to the first token)`);
    console.log(['load'.padEnd(28), ...engines.map((engine) => engine.padStart(20))].join(''));
    for (const one of cases) {
      const how =
        one.scenario === 'plain' ? `temperature ${one.temperature}` : `${one.scenario} ${options.prefix} tokens`;
      const cells = engines.map((engine) => {
        const line = all.find((each) => each.model === model && each.engine === engine && same(each, one))!;
        return `${line.tokensPerSecond.toFixed(1)} (${line.firstMilliseconds.toFixed(0)})`.padStart(20);
      });
      console.log([`${one.streams} streams, ${how}`.padEnd(28), ...cells].join(''));
    }
  }
}

/** Of a process and its threads so far. */
function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function same(one: Case, other: Case): boolean {
  return one.scenario === other.scenario && one.streams === other.streams && one.temperature === other.temperature;
}

/** Processor, and which of the instructions it has that matter here. */
function machine(): string {
  const { model } = os.cpus()[0]!;
  const flags =
    process.platform === 'linux' ? (/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '') : '';
  const known = ['avx2', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_bf16'].filter((flag) =>
    flags.includes(` ${flag}`),
  );
  return `${os.cpus().length} x ${model} (${known.join(', ') || process.arch})`;
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}
