// Our engine as a child of train-step.ts: `own.ts float32|bfloat16 THREADS SHAPE_JSON`.
// Orders: "N" runs N steps and answers {seconds, loss}; "calls" answers how much of a step the calls from TypeScript can cost.
import { Session } from 'node:inspector/promises';
import { createInterface } from 'node:readline';
import { LanguageModel, type Precision } from '@tunan/model';
import { AdamW, clipGradNorm, memory, scope, setThreads, type Tensor, tensor } from '@tunan/torch';
import { configOf, type Shape, tokensOf } from './shapes.ts';

const [dtype, threads, shapeJson] = process.argv.slice(2) as [Precision, string, string];
const shape = JSON.parse(shapeJson) as Shape;
setThreads(Number(threads));

const model = LanguageModel.create(configOf(shape), { seed: 1, dtype });
const { decayed, plain } = model.parameterGroups();
const optimizer = new AdamW(
  [
    { parameters: decayed, weightDecay: 0.1 },
    { parameters: plain, weightDecay: 0 },
  ],
  { learningRate: 3e-4, betas: [0.9, 0.95] },
);
const windows = tensor(tokensOf(shape), { shape: [shape.batch, shape.context + 1], dtype: 'int64' });
const ids = windows.narrow(1, 0, shape.context).contiguous();
const targets = windows.narrow(1, 1, shape.context).contiguous();

function step(): number {
  const value = scope(() => {
    const loss = model.loss(ids, targets, { training: true });
    loss.backward();
    return loss.item();
  });
  clipGradNorm(Object.values({ ...decayed, ...plain }), 1);
  optimizer.step();
  optimizer.zeroGrad();
  return value;
}

/** Calls into the addon in one step, counted by V8's own coverage: every one passes guarded() or dispose(). */
async function callsInStep(): Promise<number> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  await session.post('Profiler.takePreciseCoverage');
  step();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  await session.post('Profiler.stopPreciseCoverage');
  session.disconnect();
  const counted = [
    ['operation.ts', 'guarded'],
    ['tensor.ts', 'dispose'],
  ];
  return counted
    .flatMap(([file, name]) =>
      result
        .filter(({ url }) => url.endsWith(`/torch/src/${file}`))
        .flatMap(({ functions }) => functions.filter(({ functionName }) => functionName === name)),
    )
    .reduce((sum, { ranges }) => sum + (ranges[0]?.count ?? 0), 0);
}

/** Seconds of a call that does next to nothing, the tensor it makes and frees included: more than a call itself costs. */
function secondsPerCall(): number {
  const one: Tensor = tensor([1]);
  const rounds = 20_000;
  const run = () => {
    for (let i = 0; i < rounds; i++) scope(() => one.detach());
  };
  run();
  const began = performance.now();
  run();
  return (performance.now() - began) / 1000 / rounds / 2; // one call makes, one disposes
}

const firstLoss = step();
for (let i = 0; i < 2; i++) step();
console.log(JSON.stringify({ firstLoss, peakBytes: memory().peakBytes }));
for await (const order of createInterface({ input: process.stdin })) {
  if (order === 'calls') {
    console.log(JSON.stringify({ calls: await callsInStep(), secondsPerCall: secondsPerCall() }));
    continue;
  }
  const began = performance.now();
  let loss = 0;
  for (let i = 0; i < Number(order); i++) loss = step();
  console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000, loss }));
}
