import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { tensor } from './creation.ts';
import { engineInfo } from './engine.ts';
import { copyToGroup } from './group-functions.ts';
import { groupBackends, ProcessGroup } from './process-group.ts';
import { runRanks, whyNoMpi } from './testing/run-ranks.ts';

const PROGRAM = fileURLToPath(new URL('./testing/group-rank.ts', import.meta.url));
const SIZE = 3;

const SCENARIOS = ['collectives', 'functions', 'buckets'] as const;
const backends = ['gloo', 'mpi'] as const;
type Backend = (typeof backends)[number];

const whyNot = (backend: Backend) => backend === 'mpi' && whyNoMpi();
const ends = new Map(
  backends
    .filter((backend) => !whyNot(backend))
    .map((backend) => [backend, runRanks(PROGRAM, SCENARIOS, { size: SIZE, backend })]),
);

async function results(
  backend: Backend,
  scenario: (typeof SCENARIOS)[number],
): Promise<readonly Record<string, number[]>[]> {
  return (await ends.get(backend)!).map(({ code, stdout, stderr }) => {
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout)[scenario];
  });
}

const sumOver = (value: (rank: number) => number) => [0, 1, 2].reduce((sum, rank) => sum + value(rank), 0);

for (const backend of backends) {
  const skip = whyNot(backend);

  test(`${backend}: collectives give every rank what they are defined to give, in float32, bfloat16 and int64`, {
    skip,
  }, async () => {
    const ranks = await results(backend, 'collectives');
    ranks.forEach((out, rank) => {
      const wanted: Record<string, number[]> = {
        sum: [6, 60, 7, sumOver((r) => r + 2 * rank), sumOver((r) => r + 2 * rank + 1)],
        max: [3, 30, 4, 2 + 2 * rank, 3 + 2 * rank],
        min: [1, 10, 1, 2 * rank, 2 * rank + 1],
        gather: [0, 0, 1, -1, 2, -2, 2, 7],
        ring: [3 * ((rank + SIZE - 1) % SIZE)],
      };
      for (const [name, values] of Object.entries(wanted))
        for (const dtype of ['float32', 'bfloat16', 'int64']) assert.deepEqual(out[`${dtype} ${name}`], values, name);
      assert.deepEqual(out['float32 avg'], [2, 20, Math.fround(7 / 3), 1 + 2 * rank, 2 + 2 * rank].map(Math.fround));
      assert.deepEqual(out['bfloat16 avg'], [2, 20, 2.328125, 1 + 2 * rank, 2 + 2 * rank]);
      assert.deepEqual(out.view, [3, 1, 2, 3, 1, 2]); // a column of a matrix, in its place
      const inPair = rank === 0 || rank === 2;
      assert.deepEqual(out.pair!.slice(0, 2), inPair ? [rank === 2 ? 0 : 1, 2] : [-1, 1]);
      assert.equal(out.pair![3], inPair ? 1 : -1); // its one all-reduce was counted
      assert.deepEqual(out.alone, [0, 1, 0, inPair ? 2 : 1]);
    });
  });

  test(`${backend}: conjugate pairs: values and gradients over the ranks are those of one process`, {
    skip,
  }, async () => {
    const ranks = await results(backend, 'functions');
    const width = SIZE;
    const xs = [0, 1, 2].map((rank) => Array.from({ length: 2 * width }, (_, i) => i + 100 * rank));
    // y of the functions that gather is (2, size width), of those that scatter (2, width / size); weights are (rank + 1) (i + 1).
    const gathered = [0, 1].flatMap((row) => xs.flatMap((x) => x.slice(row * width, (row + 1) * width)));
    const sum = xs[0]!.map((_, i) => sumOver((rank) => xs[rank]![i]!));
    const weights = (rank: number, length: number) => Array.from({ length }, (_, i) => (rank + 1) * (i + 1));
    const blockOf = (flat: number[], rank: number) =>
      [0, 1].flatMap((row) => flat.slice((row * SIZE + rank) * width, (row * SIZE + rank + 1) * width));
    ranks.forEach((out, rank) => {
      const plain = Array.from({ length: 2 * width }, (_, i) => i + 1);
      assert.deepEqual(out.copy, [...xs[rank]!, ...plain.map((w) => 6 * w)]);
      assert.deepEqual(out.reduce, [...sum, ...weights(rank, 2 * width)]);
      const long = 2 * SIZE * width;
      assert.deepEqual(out.gather, [...gathered, ...blockOf(weights(rank, long), rank)]);
      const all = Array.from({ length: long }, (_, i) => 6 * (i + 1));
      assert.deepEqual(out.allGather, [...gathered, ...blockOf(all, rank)]);
      const own = (flat: number[]) => [flat[rank], flat[width + rank]];
      assert.deepEqual(out.scatter, [...own(xs[rank]!), 1, 2, 3, 2, 4, 6]);
      assert.deepEqual(out.reduceScatter, [...own(sum), 1, 2, 3, 2, 4, 6]);
    });
  });

  test(`${backend}: gradients reduced in buckets while backward runs: sums everywhere, or with their owners alone`, {
    skip,
  }, async () => {
    const ranks = (await results(backend, 'buckets')) as unknown as Record<
      'all' | 'owned',
      { gradients: (number[] | null)[]; values: number[][] }
    >[];
    // Two passes of weight 1 and 2; rank 0 leaves parameter 2 out, so that the one behind it counts as the third there.
    const sums = [18, 36, 45, 3 * (3 + 4 * 2 + 4 * 3)].map((sum, i) => Array.from({ length: 4 - i }, () => sum));
    ranks.forEach(({ all, owned }, rank) => {
      assert.deepEqual(all.gradients, sums);
      assert.deepEqual(
        owned.gradients,
        sums.map((sum, i) => (i % SIZE === rank ? sum : null)),
      );
      assert.deepEqual(
        owned.values,
        sums.map((sum, i) => sum.map(() => (i % SIZE) + 10 * i)),
      );
    });
  });
}

test('where the addon was compiled without MPI, who asks for it is told what to install', () => {
  using one = tensor([1]); // the addon is loaded from where it is
  assert.equal(one.size, 1);
  const before = process.env.TUNAN_CACHE;
  process.env.TUNAN_CACHE = path.join(tmpdir(), 'tunan-no-such-cache');
  try {
    const place = { rank: 0, size: 2, localRank: 0, host: '127.0.0.1', port: 1, holdsStore: true };
    assert.throws(() => ProcessGroup.meet({ ...place, backend: 'mpi' }), {
      code: 'TORCH_NO_GROUPS',
      message: /^the addon was compiled without MPI: install Open MPI \(.*\) and run: npx tunan setup$/,
      chinese: /^原生扩展编译时未找到 MPI：请安装 Open MPI（.*）并运行：npx tunan setup$/,
    });
  } finally {
    if (before === undefined) delete process.env.TUNAN_CACHE;
    else process.env.TUNAN_CACHE = before;
  }
});

test('NCCL without a device, or left out of the addon: one line that says which', {
  skip: engineInfo().cudaDevices > 0,
}, () => {
  const place = {
    rank: 0,
    size: 2,
    localRank: 1,
    host: '127.0.0.1',
    port: 1,
    holdsStore: true,
    backend: 'nccl',
  } as const;
  const expected = groupBackends().includes('nccl')
    ? {
        code: 'TORCH_BAD_SETTING',
        message: /^device cuda:1: libtorch .* finds no CUDA device; .*/,
        chinese: /没有可用的 CUDA 设备/,
      }
    : { code: 'TORCH_NO_GROUPS', message: /^the addon was compiled without NCCL: install .*/, chinese: /未包含 NCCL/ };
  assert.throws(() => ProcessGroup.meet(place), expected);
});

test('a process alone is a group of one: every collective leaves what is there', () => {
  using group = ProcessGroup.alone();
  const x = tensor([1, 2]);
  const out = tensor([0, 0]);
  group.allReduce(x);
  group.allGather(out, x);
  group.broadcast(x, 0);
  group.barrier();
  assert.deepEqual([...x.toArray(), ...out.toArray()], [1, 2, 1, 2]);
  assert.equal(copyToGroup(x, group), x);
  assert.deepEqual([group.rank, group.size, group.backend, group.newGroup([0])?.size], [0, 1, 'none', 1]);
});
