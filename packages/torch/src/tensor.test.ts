/** Making tensors, reading them, and what each method computes; gradients have a test of their own. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import {
  arange,
  cat,
  crossEntropy,
  type DType,
  embedding,
  engineInfo,
  full,
  gemmPeak,
  getThreads,
  linear,
  ones,
  rand,
  randint,
  randn,
  scope,
  stack,
  type Tensor,
  tensor,
  where,
  zeros,
} from './index.ts';

/** A test in a scope of its own. */
function check(name: string, body: () => void): void {
  test(name, () => scope(body));
}

function near(actual: Tensor, expected: readonly number[]): void {
  const values = Array.from(actual.toArray() as ArrayLike<number>, Number);
  assert.equal(values.length, expected.length);
  values.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]!) < 1e-6, `${values} is not ${expected}`);
  });
}

describe('making', () => {
  check('dtypes and shapes', () => {
    for (const [made, dtype, shape, values] of [
      [zeros([2, 1]), 'float32', [2, 1], [[0], [0]]],
      [ones([2], { dtype: 'bool' }), 'bool', [2], [1, 1]],
      [full([2], 7, { dtype: 'int32' }), 'int32', [2], [7, 7]],
      [full([], 0.5, { dtype: 'float64' }), 'float64', [], 0.5],
      [arange(2, 11, 3), 'int64', [3], [2, 5, 8]],
      [arange(1, 0, -0.5, { dtype: 'float32' }), 'float32', [2], [1, 0.5]],
      [tensor(3), 'float32', [], 3],
      [tensor([[1, 2, 3]], { dtype: 'bfloat16' }), 'bfloat16', [1, 3], [[1, 2, 3]]],
      [tensor([], { dtype: 'int64' }), 'int64', [0], []],
      [tensor([[], []]), 'float32', [2, 0], [[], []]],
    ] as const) {
      assert.equal(made.dtype, dtype);
      assert.deepEqual(made.shape, shape);
      assert.deepEqual(made.toNested(), values);
      assert.equal(made.device, 'cpu');
    }
    assert.deepEqual([rand([2, 3]).shape, randn([0]).shape, randint(0, 2, []).shape], [[2, 3], [0], []]);
  });

  check('typed arrays keep their dtype, and are copied', () => {
    const source = Float32Array.of(1, 2, 3, 4);
    const made = tensor(source.subarray(1), { shape: [3, 1] });
    source[1] = 99;
    assert.deepEqual(made.toNested(), [[2], [3], [4]]);
    for (const [array, dtype] of [
      [Float64Array.of(0.1), 'float64'],
      [BigInt64Array.of(-(2n ** 63n)), 'int64'],
      [Int32Array.of(-5), 'int32'],
      [Uint8Array.of(255), 'uint8'],
    ] as const) {
      assert.equal(tensor(array).dtype, dtype);
      assert.deepEqual(tensor(array).toArray(), array);
    }
    assert.deepEqual(tensor(Uint16Array.of(65_535)).toArray(), Int32Array.of(65_535));
    assert.deepEqual(tensor(Uint32Array.of(2 ** 32 - 1)).toArray(), BigInt64Array.of(2n ** 32n - 1n));
  });

  check('conversions', () => {
    const x = tensor([1.75, -2.5, 0]);
    const as = (dtype: DType) => x.to(dtype).toNested();
    assert.deepEqual(as('int64'), [1, -2, 0]);
    assert.deepEqual(as('bool'), [1, 1, 0]);
    assert.deepEqual(as('float16'), [1.75, -2.5, 0]);
    // 1 + 2^-8 lies between two bfloat16 numbers and goes to the even one.
    assert.equal(
      tensor(1 + 2 ** -8)
        .to('bfloat16')
        .item(),
      1,
    );
    assert.equal(
      tensor(1 + 3 * 2 ** -8)
        .to('bfloat16')
        .item(),
      1 + 2 ** -6,
    );
    assert.equal(x.to({ dtype: 'float64', device: 'cpu' }).dtype, 'float64');
    assert.equal(tensor(2 ** 53 - 1, { dtype: 'int64' }).item(), 2 ** 53 - 1);
    // An int64 tensor stays one under whole numbers.
    assert.equal(arange(0, 3).add(1).dtype, 'int64');
    assert.equal(arange(0, 3).mul(0.5).dtype, 'float32');
  });
});

describe('views', () => {
  const x = arange(0, 24).view(2, 3, 4);

  check('shapes', () => {
    assert.deepEqual(x.transpose(0, 2).shape, [4, 3, 2]);
    assert.deepEqual(x.permute(1, 2, 0).shape, [3, 4, 2]);
    assert.deepEqual(x.unsqueeze(-1).shape, [2, 3, 4, 1]);
    assert.deepEqual(x.unsqueeze(0).squeeze(0).shape, [2, 3, 4]);
    assert.deepEqual(x.reshape(-1, 8).shape, [3, 8]);
    assert.deepEqual(x.select(1, 0).expand(5, 2, 4).shape, [5, 2, 4]);
    assert.deepEqual(x.narrow(2, 1, 2).select(0, 1).toNested(), [
      [13, 14],
      [17, 18],
      [21, 22],
    ]);
    assert.deepEqual(x.select(0, 0).slice(1, 0, undefined, 2).toNested(), [
      [0, 2],
      [4, 6],
      [8, 10],
    ]);
    assert.deepEqual(x.select(0, 0).select(0, 0).slice(0, -2).toNested(), [2, 3]);
    assert.deepEqual(
      x.split([1, 2], 1).map((part) => part.shape),
      [
        [2, 1, 4],
        [2, 2, 4],
      ],
    );
    assert.deepEqual(
      x.transpose(1, 2).contiguous().view(2, 12).select(0, 0).toNested(),
      [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11],
    );
  });

  check('share memory; clones do not', () => {
    const base = zeros([2, 2]);
    const copy = base.clone();
    base.transpose(0, 1).select(0, 1).fill_(5);
    assert.deepEqual(base.toNested(), [
      [0, 5],
      [0, 5],
    ]);
    assert.deepEqual(copy.toNested(), [
      [0, 0],
      [0, 0],
    ]);
  });
});

describe('computing', () => {
  const x = tensor([
    [1, -2, 4],
    [0.5, 3, -1],
  ]);

  check('arithmetic', () => {
    near(x.add(x), [2, -4, 8, 1, 6, -2]);
    near(x.sub(tensor([1, 1, 1])), [0, -3, 3, -0.5, 2, -2]);
    near(x.mul(tensor([[2], [10]])), [2, -4, 8, 5, 30, -10]);
    near(x.div(2).add(1).mul(-1).sub(3), [-4.5, -3, -6, -4.25, -5.5, -3.5]);
    near(x.neg().abs().pow(2), [1, 4, 16, 0.25, 9, 1]);
    near(
      tensor([1, 4])
        .sqrt()
        .add(tensor([1, 4]).rsqrt()),
      [2, 2.5],
    );
    near(tensor([0, 1]).exp().log(), [0, 1]);
    near(tensor([-1, 0, 1]).tanh(), [-Math.tanh(1), 0, Math.tanh(1)]);
    near(tensor([-1, 0, 1]).sigmoid(), [1 / (1 + Math.E), 0.5, 1 / (1 + 1 / Math.E)]);
    near(tensor([-1, 2]).relu(), [0, 2]);
    // Abramowitz & Stegun 26.2: Φ(1) = 0.8413447.
    near(tensor([1, -1]).gelu(), [0.8413447, -0.1586553]);
    near(tensor([1]).gelu('tanh'), [0.5 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * 1.044715))]);
  });

  check('reductions', () => {
    assert.equal(x.sum().item(), 5.5);
    near(x.sum(0), [1.5, 1, 3]);
    assert.deepEqual(x.sum([0, 1], true).shape, [1, 1]);
    near(x.mean(1, true), [1, 2.5 / 3]);
    assert.ok(Math.abs(x.norm().item() - Math.sqrt(31.25)) < 1e-6);
    const { values, indices } = x.max(1);
    assert.deepEqual(
      [values.toNested(), indices.toNested()],
      [
        [4, 3],
        [2, 1],
      ],
    );
    assert.deepEqual(x.min(0, true).values.toNested(), [[0.5, -2, -1]]);
    assert.equal(x.argmax().item(), 2);
    assert.deepEqual(x.argmax(1).toNested(), [2, 1]);
    near(x.softmax(1).sum(1), [1, 1]);
    near(x.logSoftmax(0).exp().sum(0), [1, 1, 1]);
  });

  check('products', () => {
    near(x.matmul(x.transpose(0, 1)), [21, -9.5, -9.5, 10.25]);
    near(linear(x, tensor([[1, 0, 1]]), tensor([100])), [105, 99.5]);
  });

  check('indexing, comparing, choosing', () => {
    assert.deepEqual(x.indexSelect(1, tensor([2, 0], { dtype: 'int64' })).toNested(), [
      [4, 1],
      [-1, 0.5],
    ]);
    assert.deepEqual(x.gather(1, tensor([[1], [0]], { dtype: 'int64' })).toNested(), [[-2], [0.5]]);
    assert.deepEqual(embedding(x, tensor([[1], [1]], { dtype: 'int64' })).shape, [2, 1, 3]);
    assert.deepEqual(x.maskedFill(x.lt(0), 9).toNested(), [
      [1, 9, 4],
      [0.5, 3, 9],
    ]);
    assert.deepEqual(where(x.ge(1), x, zeros([1])).toNested(), [
      [1, 0, 4],
      [0, 3, 0],
    ]);
    assert.deepEqual(ones([3, 3]).tril().sum(1).toNested(), [1, 2, 3]);
    assert.deepEqual(ones([2, 3]).tril(1).toNested(), [
      [1, 1, 0],
      [1, 1, 1],
    ]);
    const [a, b] = [tensor([1, 2, 3]), tensor([2, 2, 2])];
    assert.deepEqual(
      [a.eq(b), a.ne(b), a.lt(b), a.le(b), a.gt(b), a.ge(b)].map((result) => result.toNested()),
      [a.eq(2), a.ne(2), a.lt(2), a.le(2), a.gt(2), a.ge(2)].map((result) => result.toNested()),
    );
    assert.deepEqual(a.le(b).toNested(), [1, 1, 0]);
    assert.deepEqual(cat([a, b]).toNested(), [1, 2, 3, 2, 2, 2]);
    assert.deepEqual(stack([a, b], 1).toNested(), [
      [1, 2],
      [2, 2],
      [3, 2],
    ]);
  });

  check('cross-entropy', () => {
    const targets = tensor([2, -100], { dtype: 'int64' });
    const expected = Math.log(Math.exp(1) + Math.exp(-2) + Math.exp(4)) - 4;
    near(crossEntropy(x, targets), [expected]);
    near(crossEntropy(x, targets, { reduction: 'sum' }), [expected]);
    near(crossEntropy(x, targets, { reduction: 'none' }), [expected, 0]);
    near(crossEntropy(x, tensor([2, 1], { dtype: 'int64' }), { ignoreIndex: 1 }), [expected]);
  });

  check('in place', () => {
    const y = ones([3]);
    assert.equal(y.add_(tensor([1, 2, 3]), 2), y);
    y.mul_(2).mul_(tensor([1, 0, -1]));
    assert.deepEqual(y.toNested(), [6, 0, -14]);
    assert.deepEqual(y.copy_(tensor([7, 8, 9], { dtype: 'int64' })).toNested(), [7, 8, 9]);
    assert.deepEqual(y.fill_(3).zero_().toNested(), [0, 0, 0]);
  });

  check('gradients add up over backward calls, and detach cuts them off', () => {
    const w = tensor([2], { requiresGrad: true });
    w.mul(3).backward(tensor([10]));
    w.mul(w.detach()).sum().backward();
    assert.deepEqual(w.grad?.toNested(), [32]);
    w.grad = undefined;
    assert.equal(w.grad, undefined);
    assert.deepEqual([w.requiresGrad, w.detach().requiresGrad, w.mul(1).requiresGrad], [true, false, true]);
  });
});

describe('the engine', () => {
  test('says what it is', () => {
    const info = engineInfo();
    assert.match(info.version, /^\d+\.\d+\.\d+/);
    assert.equal(info.threads, getThreads());
    assert.ok(info.cudaDevices >= 0);
    assert.match(info.configuration, /OpenMP/);
  });

  test('measures its peak', () => {
    assert.ok(gemmPeak('float32', { sizes: [64, 128] }) > 1e7);
  });

  test('runs in several threads at once', async () => {
    const program = `
      import { parentPort } from 'node:worker_threads';
      import { scope, randn } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
      for (let i = 0; i < 50; i++) {
        scope(() => {
          const w = randn([20, 20], { requiresGrad: true });
          w.matmul(w).tanh().sum().backward();
          if (!Number.isFinite(w.grad.sum().item())) throw new Error('not finite');
        });
      }
      parentPort.postMessage('done');
    `;
    const workers = [0, 1].map(() => new Worker(program, { eval: true, execArgv: ['--input-type=module'] }));
    const done = workers.map(
      (worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject)),
    );
    const local = scope(() =>
      ones([30, 30])
        .matmul(ones([30, 30]))
        .sum()
        .item(),
    );
    assert.equal(local, 27_000);
    assert.deepEqual(await Promise.all(done), ['done', 'done']);
    await Promise.all(workers.map((worker) => worker.terminate()));
  });
});
