/** One rank of the tests of process groups: does what its arguments say, and prints what came out as JSON. */
import { setTimeout } from 'node:timers/promises';
import { tensor, zeros } from '../creation.ts';
import type { DType } from '../dtype.ts';
import { GradientBuckets } from '../gradient-buckets.ts';
import {
  allGatherInGroup,
  copyToGroup,
  gatherFromGroup,
  reduceFromGroup,
  reduceScatterInGroup,
  scatterToGroup,
} from '../group-functions.ts';
import { ProcessGroup, type Reduction } from '../process-group.ts';
import { rendezvousOf } from '../rendezvous.ts';
import type { Tensor } from '../tensor.ts';

const group = ProcessGroup.meet(rendezvousOf(process.env)!);
const { rank, size } = group;
const numbers = (x: Tensor) => Array.from(x.toArray() as ArrayLike<number | bigint>, Number);

const scenarios = {
  /** Every collective on three dtypes, whole and as a view. */
  collectives() {
    const out: Record<string, number[]> = {};
    for (const dtype of ['float32', 'bfloat16', 'int64'] as const satisfies DType[]) {
      for (const op of ['sum', 'avg', 'max', 'min'] as const satisfies Reduction[]) {
        if (op === 'avg' && dtype === 'int64') continue;
        const x = tensor([rank + 1, 10 * (rank + 1), 2 ** rank], { dtype });
        group.allReduce(x, op);
        const part = zeros([2], { dtype });
        const all = tensor(
          Array.from({ length: 2 * size }, (_, i) => i + rank),
          { dtype },
        );
        group.reduceScatter(part, all, op);
        out[`${dtype} ${op}`] = [...numbers(x), ...numbers(part)];
      }
      const gathered = zeros([size, 2], { dtype });
      group.allGather(gathered, tensor([rank, -rank], { dtype }));
      const sent = tensor([rank, 7], { dtype });
      group.broadcast(sent, size - 1);
      out[`${dtype} gather`] = [...numbers(gathered), ...numbers(sent)];
      const from = (rank + size - 1) % size;
      const received = zeros([1], { dtype });
      const work = group.startReceive(received, from, 5);
      const given = group.startSend(tensor([rank * 3], { dtype }), (rank + 1) % size, 5);
      work.wait();
      given.wait();
      out[`${dtype} ring`] = numbers(received);
    }
    const matrix = tensor([rank, 1, 2, rank, 1, 2], { dtype: 'float32' }).view(2, 3);
    group.allReduce(matrix.transpose(0, 1).select(0, 0));
    out.view = numbers(matrix);
    const pair = group.newGroup([size - 1, 0]);
    const x = tensor([rank]);
    pair?.allReduce(x);
    out.pair = [pair?.rank ?? -1, ...numbers(x), group.traffic.collectives, pair?.traffic.collectives ?? -1];
    const one = group.newGroup([rank])!;
    one.allReduce(x);
    out.alone = [one.rank, one.size, one.traffic.collectives, ...numbers(x)];
    group.barrier();
    return out;
  },

  /** Value and gradient of each conjugate pair; the loss weighs elements by rank and place. */
  functions() {
    const out: Record<string, number[]> = {};
    const pairs = {
      copy: (x: Tensor) => copyToGroup(x, group),
      reduce: (x: Tensor) => reduceFromGroup(x, group),
      gather: (x: Tensor) => gatherFromGroup(x, group, 1),
      scatter: (x: Tensor) => scatterToGroup(x, group, -1),
      allGather: (x: Tensor) => allGatherInGroup(x, group, 1),
      reduceScatter: (x: Tensor) => reduceScatterInGroup(x, group, 1),
    };
    for (const [name, pair] of Object.entries(pairs)) {
      const x = tensor(Array.from({ length: 2 * size }, (_, i) => i + 100 * rank)).view(2, size);
      x.requiresGrad = true;
      const y = pair(x);
      const weights = tensor(Array.from({ length: y.size }, (_, i) => (rank + 1) * (i + 1))).view(...y.shape);
      y.mul(weights).sum().backward();
      out[name] = [...numbers(y), ...numbers(x.grad!)];
    }
    return out;
  },

  /** Two backward passes, the second one reduced; with owners and without. One parameter has no gradient on rank 0. */
  buckets() {
    const out: Record<string, unknown> = {};
    for (const owned of [false, true]) {
      const parameters = [4, 3, 2, 1].map((length) => {
        const parameter = zeros([length]);
        parameter.requiresGrad = true;
        return parameter;
      });
      const owners = owned ? parameters.map((_, i) => i % size) : undefined;
      const buckets = new GradientBuckets(group, parameters, { owners, bucketBytes: 20 });
      for (const pass of [1, 2]) {
        if (pass === 2) buckets.arm();
        parameters
          .filter((_, i) => rank > 0 || i !== 2)
          .map((parameter, i) => parameter.mul(pass * (i + 1) * (rank + 1)).sum())
          .reduce((sum, part) => sum.add(part))
          .backward();
      }
      buckets.finish();
      const gradients = parameters.map((parameter) => parameter.grad && numbers(parameter.grad));
      parameters.forEach((parameter, i) => {
        if (!owned || owners![i] === rank) parameter.detach().fill_(rank + 10 * i);
      });
      buckets.gatherParameters();
      out[owned ? 'owned' : 'all'] = { gradients, values: parameters.map((one) => numbers(one)) };
    }
    return out;
  },

  /** The last rank never comes to the second all-reduce, but lives. */
  async late() {
    group.allReduce(zeros([1]));
    if (rank === size - 1) await setTimeout(20_000);
    group.allReduce(zeros([1]));
    return {};
  },

  /** The last rank is killed; the first waits for a message of it, the others for all. */
  lost() {
    group.allReduce(zeros([1]));
    if (rank === size - 1) process.kill(process.pid, 'SIGKILL');
    if (rank === 0) group.receive(zeros([1]), size - 1);
    group.allReduce(zeros([1]));
    return {};
  },

  /** The last rank ends with a message of its own. */
  told() {
    group.allReduce(zeros([1]));
    if (rank === size - 1) throw new Error(group.fail(`rank ${rank}: the disk is full`));
    group.allReduce(zeros([1]));
    return {};
  },
};

try {
  const result: Record<string, unknown> = {};
  for (const name of process.argv.slice(2)) result[name] = await scenarios[name as keyof typeof scenarios]();
  console.log(JSON.stringify(result));
  group.leave();
  process.exit(0);
} catch (error) {
  console.error((error as Error).message);
  process.exit(3);
}
