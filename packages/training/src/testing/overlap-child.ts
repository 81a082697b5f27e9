/**
 * One of two copies of a model, whose messages take longer than they do: how much of that the backward pass hides. Writes for gradients
 * that go off while it runs, and for such that go off behind it: what was added to the messages of some steps, what was waited for, and
 * the median of a backward pass, all in milliseconds.
 */
import { parseModelConfig } from '@tunan/model';
import { manualSeed, ProcessGroup, randint, rendezvousOf, scope } from '@tunan/torch';
import { GradientExchange } from '../parallel/gradient-exchange.ts';
import { Mesh } from '../parallel/mesh.ts';
import { meshOf } from '../parallel/mesh-shape.ts';
import { ModelShare } from '../parallel/model-share.ts';

const {
  sharded,
  share: part,
  steps,
} = JSON.parse(process.argv[2]!) as {
  readonly sharded: boolean;
  /** What the delays of a step are together, of its backward pass. */
  readonly share: number;
  readonly steps: number;
};
const BUCKET_BYTES = 200_000;
/** So many that the backward pass takes far longer than the messages do of themselves: what they hide is not counted. */
const BATCH = 24;

const group = ProcessGroup.meet(rendezvousOf(process.env)!);
const mesh = new Mesh(group, meshOf(group.size, {}));
const config = parseModelConfig({ vocabularySize: 320, contextLength: 64, layers: 6, width: 128, heads: 4 });
const parallel = { tensor: 1, pipeline: 1, chunks: 1, sequenceParallel: false };
const plan = { model: config, device: 'cpu', precision: 'float32', recomputation: 'none', seed: 5, parallel } as const;
using model = ModelShare.fresh(plan, mesh);

/** Milliseconds of the backward pass. */
function step(exchange: GradientExchange): number {
  let milliseconds = 0;
  scope(() => {
    manualSeed(mesh.place.data);
    const ids = randint(0, config.vocabularySize, [BATCH, 65]);
    const passage = {
      seed: undefined,
      open: () => ({ ids: ids.narrow(1, 0, 64), options: {} }),
      backward: (hidden: Parameters<typeof model.head.hiddenLoss>[0]) => {
        const loss = model.head.hiddenLoss(hidden, ids.narrow(1, 1, 64));
        const began = performance.now();
        loss.backward();
        milliseconds = performance.now() - began;
      },
    };
    model.way.take(exchange.announce([passage]));
    exchange.sum();
    for (const parameter of model.namedParameters().values()) parameter.grad = undefined;
  });
  return milliseconds;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;
const repeat = (body: () => number) => Array.from({ length: steps }, body);

const results = [true, false].map((overlapped) => {
  const exchange = new GradientExchange(mesh, model.namedParameters(), {
    ...{ sharded, overlapped, share: model, bucketBytes: BUCKET_BYTES },
  });
  const { collectives: first } = mesh.data.traffic;
  const backward = median(repeat(() => step(exchange)));
  const messages = (mesh.data.traffic.collectives - first) / steps;
  // The same on both: ranks take the longer of their passes.
  const longest = Math.max(...mesh.gather(backward));
  mesh.data.delayMessages((part * longest) / messages);
  const before = mesh.data.delays;
  repeat(() => step(exchange));
  const { added, waited } = mesh.data.delays;
  mesh.data.delayMessages(0);
  return { overlapped, messages, backward, added: added - before.added, waited: waited - before.waited };
});
process.stdout.write(JSON.stringify(results));
group.leave();
