/**
 * Where the time of a training step goes, kernel by kernel, and the bound that follows: each kernel of the model's blocks runs alone, forward and
 * backward, at the shapes of a step; the matrix products are set against the GEMM peak of the same run, what multiplies nothing against the
 * speed of memory, and Qwen3's kernels against the same formula by operations of libtorch, by turns.
 *
 *   node bench/kernels.ts [--config G|gpt2-124m] [--family gpt2|qwen3] [--kv-heads N] [--precision bfloat16|float32] [--rounds 5] [--threads N]
 *     [--clock wall|cpu] [--json]
 *
 * "bound" is the share of the peak that a step would reach if every product ran at the peak and the rest took what it takes here
 * (Amdahl). Sums of kernels alone stay below a real step: between them lie the cache misses of one reading what the other wrote.
 * A Qwen3 of the config's layers and width has as many FLOPs in its blocks; its step is timed by turns with GPT-2's.
 * `--clock cpu` counts processor time, on one thread: for a machine that others use.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import {
  LanguageModel,
  type ModelConfigInput,
  type Precision,
  parseModelConfig,
  trainingFlopsPerToken,
} from '@tunan/model';
import { AdamW, clipGradNorm, gemmPeak, noGrad, randint, randn, scope, setThreads } from '@tunan/torch';
import { gpt2Kernels } from './kernels/gpt2.ts';
import { type Clock, type KernelTimes, memoryBandwidth, Operands, timesInTurn, timesOf } from './kernels/kernel.ts';
import { qwen3Kernels } from './kernels/qwen3.ts';
import { configOf, shapes, tokensPerStep } from './train-step/shapes.ts';

const { values: options } = parseArgs({
  options: {
    config: { type: 'string', default: 'G' },
    family: { type: 'string', default: 'gpt2' },
    'kv-heads': { type: 'string' },
    precision: { type: 'string', default: 'bfloat16' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string' },
    clock: { type: 'string', default: 'wall' },
    json: { type: 'boolean', default: false },
  },
});

function oneOf<Value extends string>(name: string, value: string, values: readonly Value[]): Value {
  const found = values.find((each) => each === value);
  if (found === undefined) throw new Error(`--${name} ${value}: choose one of ${values.join(', ')}`);
  return found;
}

const shape = shapes[oneOf('config', options.config, Object.keys(shapes))]!;
const family = oneOf('family', options.family, ['gpt2', 'qwen3']);
const dtype: Precision = oneOf('precision', options.precision, ['bfloat16', 'float32']);
const clock: Clock = oneOf('clock', options.clock, ['wall', 'cpu']);
const rounds = Number(options.rounds);
const kvHeads = options['kv-heads'] === undefined ? shape.heads : Number(options['kv-heads']);
const threads = options.threads === undefined ? availableParallelism() : Number(options.threads);
if (clock === 'cpu' && threads !== 1) throw new Error('--clock cpu counts all threads together: add --threads 1');
setThreads(threads);

const configs: Readonly<Record<string, ModelConfigInput>> = {
  gpt2: configOf(shape),
  ...(family === 'qwen3' && { qwen3: { ...configOf(shape), family: 'llama', variant: 'qwen3', kvHeads } }),
};

function optimizerTime(config: ModelConfigInput): number {
  using model = LanguageModel.create(config, { seed: 1, dtype });
  const { decayed, plain } = model.parameterGroups();
  using optimizer = new AdamW(
    [
      { parameters: decayed, weightDecay: 0.1 },
      { parameters: plain, weightDecay: 0 },
    ],
    {
      learningRate: 1e-4,
    },
  );
  const all = Object.values({ ...decayed, ...plain });
  for (const parameter of all) scope(() => (parameter.grad = randn(parameter.shape)));
  const step = () => {
    clipGradNorm(all, 1);
    optimizer.step();
  };
  return timesInTurn([step], rounds, clock)[0]!;
}

/** Milliseconds of forward and backward of each config's model, by turns. */
function stepTimes(all: readonly ModelConfigInput[]): number[] {
  const { vocabulary, batch, context } = shape!;
  const [ids, targets] = [randint(0, vocabulary, [batch, context]), randint(0, vocabulary, [batch, context])];
  const models = all.map((config) => LanguageModel.create(config, { seed: 1, dtype }));
  const bodies = models.map((model) => {
    const parameters = [...model.namedParameters().values()];
    return () => {
      scope(() => model.loss(ids, targets, { training: true }).backward());
      for (const parameter of parameters) parameter.grad = undefined;
    };
  });
  const times = timesInTurn(bodies, rounds, clock);
  for (const model of models) model.dispose();
  return times;
}

/** Milliseconds that the model's FLOPs of a step take at the peak. */
function idealTime(config: ModelConfigInput): number {
  const perToken = trainingFlopsPerToken(parseModelConfig(config), shape!.context);
  return (1000 * perToken * tokensPerStep(shape!)) / peak;
}

/** FLOP/s: gemmPeak(), or the same by processor time. */
function productPeak(): number {
  if (clock === 'wall') return gemmPeak(dtype);
  return Math.max(
    ...[1024, 2048].map((size) =>
      noGrad(() => {
        const [left, right] = [randn([size, size]).to(dtype), randn([size, size]).to(dtype)];
        return (2000 * size ** 3) / timesInTurn([() => left.matmul(right)], rounds, clock)[0]!;
      }),
    ),
  );
}

const peak = productPeak();
const bandwidth = memoryBandwidth(rounds, clock);
const operands = new Operands(shape, dtype);
const rows: KernelTimes[] = [];
for (const kernel of family === 'gpt2' ? gpt2Kernels(operands) : qwen3Kernels(operands, kvHeads)) {
  rows.push(timesOf(kernel, rounds, clock));
  for (const input of kernel.inputs) input.dispose();
}
const config = configs[family]!;
const optimizer = optimizerTime(config);
const none = { backward: 0, flops: 0, bytes: undefined, composition: undefined };
rows.push({ name: 'gradient norm + AdamW', forward: optimizer, ...none });
const sum = rows.reduce((total, { forward, backward }) => total + forward + backward, 0);
const others = rows.filter(({ flops }) => flops === 0).reduce((total, row) => total + row.forward + row.backward, 0);
const names = Object.keys(configs);
const steps = Object.fromEntries(
  stepTimes(Object.values(configs)).map((time, i) => {
    const milliseconds = time + optimizer;
    return [names[i]!, { milliseconds, shareOfPeak: idealTime(configs[names[i]!]!) / milliseconds }];
  }),
);
const ideal = idealTime(config);
const report = {
  config: options.config,
  family,
  precision: dtype,
  threads,
  clock,
  gemmPeak: peak,
  memoryBandwidth: bandwidth,
  kernels: rows,
  sumMilliseconds: sum,
  steps,
  boundOfShare: ideal / (ideal + others),
};

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
/** Of the peak for products, of the memory's speed for what reads and writes. */
function shareOf({ forward, backward, flops, bytes }: KernelTimes): string {
  const seconds = (forward + backward) / 1000;
  if (flops > 0) return percent(flops / seconds / peak);
  return bytes === undefined ? '' : `${percent(bytes / seconds / bandwidth)} of memory`;
}

console.log(
  `config ${options.config}, ${family}, ${dtype}, ${threads} threads, GEMM peak ${(peak / 1e9).toFixed(0)} GFLOP/s, memory ` +
    `${(bandwidth / 1e9).toFixed(1)} GB/s; milliseconds a step (${clock})`,
);
console.log(`${'kernel'.padEnd(42)} forward  backward     share of peak  by libtorch's operations`);
for (const row of rows) {
  const { name, forward, backward, composition } = row;
  const times = composition === undefined ? '' : ` (${(composition / (forward + backward)).toFixed(2)} times)`;
  const columns = [
    name.padEnd(42),
    forward.toFixed(1).padStart(7),
    backward.toFixed(1).padStart(9),
    shareOf(row).padStart(17),
    `${composition?.toFixed(1).padStart(9) ?? ''}${times}`,
  ];
  console.log(columns.join(' ').trimEnd());
}
console.log(`sum ${sum.toFixed(1)} ms`);
for (const [name, { milliseconds, shareOfPeak }] of Object.entries(steps))
  console.log(`a step of ${name}: ${milliseconds.toFixed(1)} ms (${percent(shareOfPeak)} of the peak)`);
console.log(`bound if all products ran at the peak: ${percent(report.boundOfShare)}`);
if (options.json) console.log(JSON.stringify(report));
