/**
 * What a mistake looks like: always a TorchError of one line, with the operation, the shapes and the dtypes; never a crash.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  affine,
  attention,
  cat,
  crossEntropy,
  type DType,
  embedding,
  layerNorm,
  linear,
  linearResidual,
  liveTensors,
  ones,
  randint,
  randn,
  rmsNorm,
  rotary,
  scope,
  setThreads,
  stack,
  swiglu,
  Tensor,
  TorchError,
  tensor,
  zeros,
} from './index.ts';
import type { Argument } from './operation.ts';
import { operation } from './operation.ts';
import { differentiable, others } from './tensor.ts';

function refused(body: () => unknown, message: RegExp | string): void {
  scope(() => {
    assert.throws(body, (error) => {
      assert.ok(error instanceof TorchError, String(error));
      assert.equal(error.code, 'TORCH_OPERATION');
      assert.equal(error.userMistake, true);
      assert.ok(!error.message.includes('\n'), error.message);
      if (typeof message === 'string') assert.equal(error.message, message);
      else assert.match(error.message, message);
      return true;
    });
  });
}

describe('messages', () => {
  test('shapes that do not fit', () => {
    refused(
      () => ones([2, 3]).matmul(ones([4, 5])),
      /^aten::matmul of \(2, 3\) float32 and \(4, 5\) float32: (mm: )?mat1 and mat2 shapes cannot be multiplied \(2x3 and 4x5\)$/,
    );
    refused(
      () => ones([2, 3]).add(ones([4])),
      /^aten::add of \(2, 3\) float32 and \(4\) float32: The size of tensor a \(3\) must match/,
    );
    refused(() => ones([2, 3]).view(7), /^aten::view of \(2, 3\) float32: .*invalid for input of size 6/);
    refused(() => cat([ones([2, 3]), ones([2, 4])]), /^aten::cat of \(2, 3\) float32 and \(2, 4\) float32: /);
    refused(() => stack([]), /^aten::stack: /);
    refused(
      () => layerNorm(ones([2, 3]), ones([4]), ones([4])),
      /^tunan::layer_norm of \(2, 3\) float32 and \(4\) float32 and \(4\) float32: /,
    );
    refused(
      () => linear(ones([2, 3]), ones([3, 4])),
      'tunan::linear of (2, 3) float32 and (3, 4) float32: linear expects x (…, K) and weight (M, K), got [2, 3] and [3, 4]',
    );
    refused(() => linear(ones([2, 3]), ones([4, 3]), ones([3])), /linear expects a bias of 4 elements, got \[3\]$/);
    refused(
      () => linearResidual(ones([2, 3]), ones([2, 3]), ones([4, 3])),
      /linear_residual expects a residual of shape 2 4, got \[2, 3\]$/,
    );
  });

  test('dtypes are named as ours', () => {
    const all: DType[] = ['float32', 'float64', 'bfloat16', 'float16', 'int64', 'int32', 'uint8', 'bool'];
    for (const dtype of all)
      refused(() => zeros([2], { dtype }).view(3), new RegExp(`^aten::view of \\(2\\) ${dtype}: `));
    refused(
      () => ones([2, 2]).matmul(ones([2, 2], { dtype: 'int64' })),
      /^aten::matmul of \(2, 2\) float32 and \(2, 2\) int64: /,
    );
    refused(() => embedding(ones([3, 2]), ones([2])), /^aten::embedding of \(3, 2\) float32 and \(2\) float32: /);
    refused(() => zeros([1], { dtype: 'float8' as DType }), /^there is no dtype float8; the dtypes are float32, /);
    refused(() => ones([1]).to('double' as DType), /^there is no dtype double/);
    refused(() => differentiable.toDtype(ones([1]), 99), /^aten::to of \(1\) float32: .*there is no dtype of code 99$/);
    refused(() => others.zeros([1], 6, 1), /^aten::zeros: .*only the strided layout is supported$/);
  });

  test('indices and dimensions out of range', () => {
    refused(() => ones([2, 3]).sum(2), /^aten::sum of \(2, 3\) float32: Dimension out of range/);
    refused(() => ones([2, 3]).select(0, 5), /^aten::select of \(2, 3\) float32: .*5/);
    refused(
      () => ones([4, 2]).indexSelect(0, tensor([9], { dtype: 'int64' })),
      /^aten::index_select of \(4, 2\) float32 and \(1\) int64: /,
    );
    refused(
      () => crossEntropy(ones([1, 3]), tensor([3], { dtype: 'int64' })),
      /^aten::cross_entropy_loss of .*: Target 3 is out of bounds/,
    );
  });

  test('heads and ranges that do not fit', () => {
    const heads = (count: number, length = 3) => ones([2, length, count, 4]);
    refused(
      () => attention(heads(5), heads(2), heads(2)),
      /^tunan::attention of .*: 5 heads of queries cannot share 2 heads of keys; their number must be a multiple of it$/,
    );
    refused(() => attention(heads(2), heads(0), heads(0)), /2 heads of queries cannot share 0 heads of keys/);
    refused(() => attention(heads(2, 4), heads(2), heads(2)), /more queries \(4\) than keys \(3\)/);
    refused(() => attention(heads(2), heads(2), heads(1)), /k \[2, 3, 2, 4\] and v \[2, 3, 1, 4\] do not fit/);
    refused(() => attention(heads(2), heads(2), heads(2).to('float64')), /must have one dtype/);
    refused(
      () => attention(heads(2), heads(2), heads(2), { first: zeros([2, 2], { dtype: 'int64' }) }),
      /first must be int64 of shape \(2, 3\), got Long \[2, 2\]/,
    );
  });

  test('norms, rotary positions and gates that do not fit', () => {
    refused(
      () => rmsNorm(ones([2, 3]), ones([4])),
      /rms_norm expects x \(…, C\) and weight \(C\), got \[2, 3\] and \[4\]/,
    );
    const heads = ones([2, 3, 4, 6]);
    const turned = (positions: Tensor, frequencies?: number[], normWeight?: Tensor) =>
      rotary(heads, positions, { theta: 10000, frequencies, normWeight });
    const positions = zeros([3], { dtype: 'int64' });
    refused(
      () => turned(zeros([3])),
      /rotary expects int64 positions of shape \[2, 3\] or its last dimensions, got Float/,
    );
    refused(() => turned(zeros([2], { dtype: 'int64' })), /of shape \[2, 3\] or its last dimensions, got Long \[2\]/);
    refused(() => turned(positions, [1, 2]), /2 frequencies do not fit heads of 6; there is one for each pair/);
    refused(() => turned(positions, undefined, ones([3])), /expects a norm of 6 weights, got \[3\]/);
    refused(
      () => rotary(ones([3, 5]), positions, { theta: 10000 }),
      /expects x \(…, H, D\) with an even D, got \[3, 5\]/,
    );
    refused(
      () => swiglu(ones([2, 3]), ones([2, 4])),
      /swiglu expects gate and up of one shape, got \[2, 3\] and \[2, 4\]/,
    );
    refused(() => swiglu(ones([2]), ones([2]).to('bfloat16')), /must have one dtype/);
  });

  test('numbers that are no integers', () => {
    refused(() => ones([4]).view(2.5), 'aten::view of (4) float32: argument size: expected an integer, got 2.5');
    refused(() => ones([4]).sum(Number.NaN), /^aten::sum of \(4\) float32: argument dim: expected an integer, got nan/);
    refused(
      () => ones([4]).narrow(0, 0, 1e300),
      /^aten::narrow of \(4\) float32: argument length: expected an integer, got 1e\+300/,
    );
    refused(() => zeros([-1]), /^aten::zeros: .*(-1|non-negative)/);
  });

  test('arguments of another kind', () => {
    // As a program without types could call.
    const add = operation('aten::add.Tensor', (handle) => new Tensor(handle)) as (...args: unknown[]) => Tensor;
    refused(() => add(ones([2]), 'two'), 'aten::add of (2) float32: argument other: expected a tensor');
    refused(() => add(ones([2]), null), 'aten::add of (2) float32: argument other: expected a tensor');
    refused(() => add(ones([2])), 'aten::add of (2) float32: argument other is missing');
    refused(
      () => add(ones([2]), ones([2]), 1, 2),
      /^aten::add of \(2\) float32 and \(2\) float32: takes 3 arguments, got 4/,
    );
    refused(
      () => ones([2]).gelu(7 as unknown as 'tanh'),
      'aten::gelu of (2) float32: argument approximate: expected a string',
    );
    refused(() => ones([2]).to({ device: 'tpu' as 'cpu' }), /^aten::to of \(2\) float32: /);
    refused(
      () => operation('aten::no_such_operator', (handle) => new Tensor(handle))(),
      'resolve: this libtorch has no operator aten::no_such_operator',
    );
  });

  test('tensors on different devices', () => {
    // "meta" tensors have shapes and no memory: a kernel that reads one would crash.
    const elsewhere = (shape: number[]) => ones(shape).to({ device: 'meta' as 'cpu' });
    refused(
      () => layerNorm(ones([2, 3]), elsewhere([3]), ones([3])),
      'tunan::layer_norm of (2, 3) float32 and (3) float32 meta and (3) float32: tensors on meta are not supported',
    );
    refused(() => attention(ones([1, 2, 1, 4]), elsewhere([1, 2, 1, 4]), ones([1, 2, 1, 4])), / on meta are not/);
    refused(
      () => affine(elsewhere([2, 3]), elsewhere([3, 4])),
      /^tunan::affine of .*: tensors on meta are not supported$/,
    );
    refused(() => linear(ones([2, 3]), elsewhere([4, 3])), /^tunan::linear of .*: tensors on meta are not supported$/);
    refused(() => ones([2]).add(elsewhere([2])), /^aten::add of \(2\) float32 and \(2\) float32 meta: /);
  });

  test('disposed tensors', () => {
    const gone = ones([2, 3]);
    gone.dispose();
    const fix = 'the tensor was disposed; keep it out of the scope with a return value or keep()';
    refused(() => ones([2, 3]).add(gone), `aten::add of (2, 3) float32 and a disposed tensor: argument other: ${fix}`);
    refused(() => cat([ones([1]), gone]), `aten::cat of (1) float32 and a disposed tensor: argument tensors: ${fix}`);
    refused(() => gone.toArray(), `describe: ${fix}`);
    refused(() => gone.backward(), `backward: ${fix}`);
  });

  test('autograd', () => {
    refused(() => ones([2]).backward(), /^backward: element 0 of tensors does not require grad/);
    refused(
      () => ones([2], { requiresGrad: true }).mul(2).backward(),
      /^backward: grad can be implicitly created only for scalar outputs/,
    );
    refused(
      () => ones([2], { dtype: 'int64', requiresGrad: true }),
      /^requiresGrad: [Oo]nly Tensors of floating point/,
    );
    refused(
      () => ones([2], { requiresGrad: true }).add_(ones([2])),
      /^aten::add_ of .*: a leaf Variable that requires grad/,
    );
    refused(() => {
      ones([2]).grad = ones([3], { dtype: 'float64' });
    }, 'grad: a gradient of (3) float64 does not fit a tensor of (2) float32');
    refused(() => {
      const x = ones([2], { requiresGrad: true });
      const loss = x.mul(x).sum();
      loss.backward();
      loss.backward();
    }, /^backward: Trying to backward through the graph a second time/);
  });

  test('values', () => {
    refused(() => ones([2]).item(), /^item: a Tensor with 2 elements cannot be converted to Scalar/);
    refused(
      () => tensor(BigInt64Array.of(2n ** 60n)).item(),
      /^item: the integer is beyond 2\^53; read it with toArray\(\)/,
    );
    refused(() => tensor(BigInt64Array.of(-(2n ** 63n))).item(), /beyond 2\^53/);
    refused(() => tensor(new Float32Array(5), { shape: [2, 3] }), 'tensor: the shape holds 24 bytes, the data 20');
    refused(() => tensor([[1, 2], [3]]), 'tensor: the nested arrays are not all of one length');
    refused(() => tensor([[1], 2]), 'tensor: the nested arrays are not all of one depth');
    refused(() => setThreads(0), /^threads: /);
  });
});

describe('random operations with random arguments', () => {
  const table = Object.entries({ ...differentiable, ...others }) as [string, (...args: Argument[]) => unknown][];
  const dtypes: DType[] = ['float32', 'float64', 'bfloat16', 'int64', 'int32', 'uint8', 'bool'];
  const dimension = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(1, 3) }, { weight: 1, arbitrary: fc.nat(4) });
  const madeTensor = fc
    .record({
      shape: fc.array(dimension, { maxLength: 4 }),
      dtype: fc.constantFrom(...dtypes),
      strided: fc.boolean(),
      grad: fc.boolean(),
    })
    .map(({ shape, dtype, strided, grad }) => () => {
      const x = (dtype === 'int64' ? randint(-1, 5, shape) : randn(shape)).to(dtype);
      if (grad && dtype.startsWith('float')) x.requiresGrad = true;
      return strided && shape.length > 1 ? x.transpose(0, 1) : x;
    });
  const disposed = fc.constant(() => {
    const x = ones([2]);
    x.dispose();
    return x;
  });
  const plain = fc.oneof(
    fc.integer({ min: -3, max: 6 }),
    fc.constantFrom(0.5, -1.5, Number.NaN, Infinity, 2 ** 53, 1e300, 2n ** 70n, 3n),
    fc.boolean(),
    fc.constantFrom('none', 'tanh', 'cpu', ''),
    fc.constant(undefined),
    fc.array(fc.integer({ min: -2, max: 5 }), { maxLength: 4 }),
  );
  type Maker = () => Argument;
  const argument: fc.Arbitrary<Maker> = fc.oneof(
    { weight: 6, arbitrary: madeTensor },
    { weight: 1, arbitrary: disposed },
    { weight: 4, arbitrary: plain.map((value) => () => value) },
    {
      weight: 1,
      arbitrary: fc.array(madeTensor, { maxLength: 3 }).map((makers) => () => makers.map((make) => make())),
    },
  );

  const tensorsIn = (value: unknown): Tensor[] =>
    value instanceof Tensor ? [value] : Array.isArray(value) ? value.flatMap(tensorsIn) : [];

  test('give a result or a TorchError', () => {
    let results = 0;
    let errors = 0;
    const before = liveTensors();
    fc.assert(
      fc.property(fc.constantFrom(...table), fc.array(argument, { maxLength: 6 }), ([, run], makers) => {
        scope(() => {
          const args = makers.map((make) => make());
          try {
            const result = tensorsIn(run(...args));
            // A graph that was accepted must also run backward, or refuse to.
            const grown = result.find((x) => x.requiresGrad && x.size > 0);
            grown?.to('float32').sum().backward();
            for (const x of result) x.toArray();
            results++;
          } catch (error) {
            if (!(error instanceof TorchError)) throw error;
            assert.ok(error.message.length > 0 && !error.message.includes('\n'));
            errors++;
          }
        });
      }),
      { numRuns: 10_000, seed: 2021, endOnFailure: true },
    );
    assert.equal(liveTensors(), before);
    assert.ok(results > 100 && errors > 1000, `${results} results, ${errors} errors`);
  });
});
