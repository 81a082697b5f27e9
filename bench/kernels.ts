/**
 * Where the time of a training step goes, kernel by kernel, and the bound that follows: each kernel of the model's blocks runs alone, forward and
 * backward, at the shapes of a step; the matrix products are set against the GEMM peak of the same run.
 *
 *   node bench/kernels.ts [--config G|gpt2-124m] [--precision bfloat16|float32] [--rounds 5] [--threads N] [--json]
 *
 * "bound" is the share of the peak that a step would reach if every product ran at the peak and the rest took what it takes here
 * (Amdahl). Sums of kernels alone stay below a real step: between them lie the cache misses of one reading what the other wrote.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { LanguageModel, type Precision } from '@tunan/model';
import {
  AdamW,
  affine,
  affineGelu,
  affineResidual,
  clipGradNorm,
  gemmPeak,
  linearCrossEntropy,
  noGrad,
  randint,
  randn,
  residualLayerNorm,
  scope,
  selfAttention,
  setThreads,
  type Tensor,
  tokenEmbedding,
} from '@tunan/torch';
import { median } from './train-step/rounds.ts';
import { configOf, flopsPerToken, shapes, tokensPerStep } from './train-step/shapes.ts';

const { values: options } = parseArgs({
  options: {
    config: { type: 'string', default: 'G' },
    precision: { type: 'string', default: 'bfloat16' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const shape = shapes[options.config];
if (shape === undefined) throw new Error(`--config ${options.config}: choose one of ${Object.keys(shapes).join(', ')}`);
const dtype = options.precision as Precision;
const rounds = Number(options.rounds);
setThreads(options.threads === undefined ? availableParallelism() : Number(options.threads));

const { layers: L, width: C, heads: H, vocabulary: V, batch: B, context: T } = shape;
const N = B * T;

interface Kernel {
  readonly name: string;
  /** In a step. */
  readonly times: number;
  /** Of matrix products, forward; backward has twice as many. */
  readonly flops: number;
  readonly inputs: readonly Tensor[];
  readonly run: (...inputs: Tensor[]) => Tensor;
}

const leaf = (x: Tensor): Tensor => {
  x.requiresGrad = true;
  return x;
};
const activation = (width: number) => leaf(noGrad(() => randn([B, T, width]).to(dtype)));
const weight = (...sizes: number[]) => leaf(noGrad(() => randn(sizes).mul(0.02)));
const stream = () => leaf(randn([B, T, C]));

interface Product {
  readonly name: string;
  readonly K: number;
  readonly M: number;
  readonly run: Kernel['run'];
  /** Whether the residual stream goes in too. */
  readonly residual?: boolean;
}

/** A map (K, M) of all N rows with what is fused to it. */
function product({ name, K, M, run, residual = false }: Product): Kernel {
  return {
    name: `${name} ${K} x ${M}`,
    times: L,
    flops: 2 * N * K * M,
    inputs: [activation(K), weight(K, M), weight(M), ...(residual ? [stream()] : [])],
    run,
  };
}

const addTo: Kernel['run'] = (x, w, b, residual) => affineResidual(residual!, x!, w!, b!);
const targets = randint(0, V, [N]);
const ids = randint(0, V, [B, T]);
const kernels: Kernel[] = [
  product({ name: 'queries, keys, values', K: C, M: 3 * C, run: (x, w, b) => affine(x!, w!, b) }),
  product({ name: 'attention output + residual', K: C, M: C, run: addTo, residual: true }),
  product({ name: 'mlp expand + GELU', K: C, M: 4 * C, run: (x, w, b) => affineGelu(x!, w!, b!) }),
  product({ name: 'mlp contract + residual', K: 4 * C, M: C, run: addTo, residual: true }),
  {
    name: 'attention',
    times: L,
    flops: 2 * N * T * C, // q kᵀ and the weighted sum, causal
    inputs: [activation(3 * C)],
    run: (joint) => selfAttention(joint!, H),
  },
  {
    name: 'layer norm',
    times: 2 * L + 1,
    flops: 0,
    inputs: [stream(), weight(C), weight(C)],
    run: (x, w, b) => residualLayerNorm(x!, w!, b!, { dtype }).normed,
  },
  {
    name: 'linear + cross-entropy',
    times: 1,
    flops: 2 * N * C * V,
    inputs: [leaf(noGrad(() => randn([N, C]).to(dtype))), weight(V, C)],
    run: (x, w) => linearCrossEntropy(x!, w!, targets),
  },
  {
    name: 'embedding',
    times: 1,
    flops: 0,
    inputs: [weight(V, C), weight(T, C)],
    run: (tokens, positions) => tokenEmbedding(ids, tokens!, positions!),
  },
];

/** Milliseconds of one call, the first not counted. */
function measure(body: () => void): number {
  body();
  const once = () => {
    const began = performance.now();
    scope(body);
    return performance.now() - began;
  };
  return median(Array.from({ length: rounds }, once));
}

function timesOf({ name, times, flops, inputs, run }: Kernel) {
  const gradient = noGrad(() => {
    const out = run(...inputs);
    return out.shape.length === 0 ? undefined : randn(out.shape).to(out.dtype);
  });
  const forward = times * measure(() => noGrad(() => run(...inputs)));
  const both =
    times *
    measure(() => {
      run(...inputs).backward(gradient);
      for (const input of inputs) input.grad = undefined;
    });
  return { name, forward, backward: both - forward, flops: 3 * times * flops };
}

function optimizerTime(): number {
  using model = LanguageModel.create(configOf(shape!), { seed: 1, dtype });
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
  return measure(() => {
    clipGradNorm(all, 1);
    optimizer.step();
  });
}

function stepTime(): number {
  using model = LanguageModel.create(configOf(shape!), { seed: 1, dtype });
  const parameters = [...model.namedParameters().values()];
  return measure(() => {
    scope(() => model.loss(ids, targets.view(B, T), { training: true }).backward());
    for (const parameter of parameters) parameter.grad = undefined;
  });
}

const peak = gemmPeak(dtype);
const rows: { name: string; forward: number; backward: number; flops: number }[] = [];
for (const kernel of kernels) {
  rows.push(timesOf(kernel));
  for (const input of kernel.inputs) input.dispose();
}
const optimizer = optimizerTime();
rows.push({ name: 'gradient norm + AdamW', forward: optimizer, backward: 0, flops: 0 });
const sum = rows.reduce((total, { forward, backward }) => total + forward + backward, 0);
const step = stepTime() + optimizer;
const ideal = (1000 * flopsPerToken(shape) * tokensPerStep(shape)) / peak;
const others = rows.filter(({ flops }) => flops === 0).reduce((total, row) => total + row.forward + row.backward, 0);
const report = {
  config: options.config,
  precision: dtype,
  gemmPeak: peak,
  kernels: rows,
  sumMilliseconds: sum,
  stepMilliseconds: step,
  shareOfPeak: ideal / step,
  boundOfShare: ideal / (ideal + others),
};

console.log(`config ${options.config}, ${dtype}, GEMM peak ${(peak / 1e9).toFixed(0)} GFLOP/s; milliseconds a step`);
console.log(`${'kernel'.padEnd(42)} forward  backward  share of peak`);
for (const { name, forward, backward, flops } of rows) {
  const share = flops === 0 ? '' : `${((100 * flops * 1000) / (forward + backward) / peak).toFixed(1)} %`;
  console.log(
    `${name.padEnd(42)} ${forward.toFixed(1).padStart(7)}  ${backward.toFixed(1).padStart(8)}  ${share.padStart(13)}`,
  );
}
console.log(
  `sum ${sum.toFixed(1)} ms, step ${step.toFixed(1)} ms (${(100 * report.shareOfPeak).toFixed(1)} % of the peak)`,
);
console.log(`bound if all products ran at the peak: ${(100 * report.boundOfShare).toFixed(1)} %`);
if (options.json) console.log(JSON.stringify(report));
