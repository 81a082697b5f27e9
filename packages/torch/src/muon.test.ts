/** Muon: the kernel against its formula in plain float64 arithmetic and against stacked products, and what it promises. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  getThreads,
  Muon,
  type MuonMatrix,
  manualSeed,
  noGrad,
  ones,
  randn,
  scope,
  setThreads,
  type Tensor,
  TorchError,
  tensor,
  zeros,
} from './index.ts';
import { type MuonUpdate, updateStacked } from './stacked-muon.ts';
import { others } from './tensor.ts';

type Matrix = readonly (readonly number[])[];

const product = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));
const transposed = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!));
const combined = (x: number, a: Matrix, y: number, b: Matrix): Matrix =>
  a.map((row, i) => row.map((value, j) => x * value + y * b[i]![j]!));

/** Five steps of X <- a X + b (X Xᵀ) X + c (X Xᵀ)² X, which is the same for a matrix and for its transpose. */
function orthogonalized(matrix: Matrix): Matrix {
  const norm = Math.sqrt(matrix.flat().reduce((sum, value) => sum + value * value, 0)) + 1e-7;
  let x: Matrix = matrix.map((row) => row.map((value) => value / norm));
  for (let step = 0; step < 5; step++) {
    const gram = product(x, transposed(x));
    const once = product(gram, x);
    x = combined(1, combined(3.4445, x, -4.775, once), 2.0315, product(gram, once));
  }
  return x;
}

const nested = (x: Tensor) => x.to('float64').toNested() as number[][];

function assertNear(actual: Matrix, expected: Matrix, tolerance: number): void {
  const largest = Math.max(...actual.flatMap((row, i) => row.map((value, j) => Math.abs(value - expected[i]![j]!))));
  assert.ok(largest <= tolerance, `${largest} > ${tolerance}`);
}

const settings = { learningRate: 0.05, momentum: 0.9, weightDecay: 0.2 };

describe('Muon', () => {
  for (const [dtype, tolerance] of [
    ['float64', 1e-10],
    ['float32', 2e-5],
  ] as const) {
    for (const cautious of [false, true]) {
      test(`equals its formula over a schedule: ${dtype}, ${cautious ? 'cautious' : 'plain'} decay`, () => {
        scope(() => {
          manualSeed(1);
          const shapes = [
            [5, 3],
            [4, 9],
            [6, 6],
          ] as const; // (out, in)
          const parameters = shapes.map((shape) => randn(shape).to(dtype));
          for (const parameter of parameters) parameter.requiresGrad = true;
          const named = Object.fromEntries(
            parameters.map((parameter, i) => [String(i), { parameter, layout: 'out-in' } as const]),
          );
          using muon = new Muon(named, { ...settings, cautious });
          const expected = parameters.map(nested);
          const momenta = expected.map((matrix) => matrix.map((row) => row.map(() => 0)));
          for (let step = 0; step < 4; step++) {
            muon.learningRate = settings.learningRate / (1 + step);
            muon.decayShare = 1 - step / 4;
            const decay = 1 - muon.learningRate * settings.weightDecay * muon.decayShare;
            parameters.forEach((parameter, i) => {
              parameter.grad = randn(shapes[i]!).to(dtype);
              const gradient = nested(parameter.grad!);
              const momentum = combined(settings.momentum, momenta[i]!, 1 - settings.momentum, gradient);
              momenta[i] = momentum as number[][];
              const update = orthogonalized(combined(1 - settings.momentum, gradient, settings.momentum, momentum));
              const [outputs, inputs] = shapes[i]!;
              const rate = muon.learningRate * Math.sqrt(Math.max(1, outputs / inputs));
              expected[i] = expected[i]!.map((row, r) =>
                row.map((weight, c) => {
                  const u = update[r]![c]!;
                  return weight * (cautious && u * weight < 0 ? 1 : decay) - rate * u;
                }),
              );
            });
            muon.step();
          }
          parameters.forEach((parameter, i) => {
            assertNear(nested(parameter), expected[i]!, tolerance);
          });
        });
      });
    }
  }

  test('the singular values of an update are about 1, whatever those of the gradient', () => {
    scope(() => {
      manualSeed(2);
      for (const shape of [
        [48, 48],
        [24, 96],
        [96, 24],
      ] as const) {
        const matrix = zeros(shape, { requiresGrad: true });
        using muon = new Muon({ matrix: { parameter: matrix, layout: 'in-out' } }, { learningRate: 1 });
        // Rows of very different size.
        matrix.grad = randn(shape).mul(tensor(Array.from({ length: shape[0] }, (_, i) => [10 ** (-i / shape[0])])));
        muon.step();
        const scale = Math.sqrt(Math.max(1, shape[1] / shape[0]));
        const small = Math.min(...shape);
        const squares =
          nested(matrix.detach())
            .flat()
            .reduce((sum, value) => sum + value * value, 0) /
          scale ** 2 /
          small;
        assert.ok(squares > 0.6 && squares < 1.3, `${shape}: mean square of the singular values ${squares}`);
      }
    });
  });

  test('maps side by side are updated as they are apart, in either layout', () => {
    scope(() => {
      manualSeed(3);
      const gradients = [randn([4, 6]), randn([4, 6]), randn([4, 2])]; // (in, out)
      const joined = (parts: readonly Tensor[]) =>
        parts.reduce((left, right) => tensor(nested(left).map((row, i) => [...row, ...nested(right)[i]!])));
      const updated = (gradient: Tensor, layout: MuonMatrix['layout'], parts?: number[]) => {
        const parameter = ones(gradient.shape, { requiresGrad: true });
        using muon = new Muon({ parameter: { parameter, layout, parts } }, settings);
        parameter.grad = gradient;
        muon.step();
        return parameter.detach();
      };
      const apart = joined(gradients.map((gradient) => updated(gradient, 'in-out')));
      const together = updated(joined(gradients), 'in-out', [6, 6, 2]);
      assertNear(nested(together), nested(apart), 1e-6);
      const turned = updated(joined(gradients).transpose(0, 1), 'out-in', [6, 6, 2]);
      assertNear(nested(turned.transpose(0, 1)), nested(apart), 1e-6);
      // One large matrix is another matter.
      assert.notDeepEqual(nested(updated(joined(gradients), 'in-out')), nested(apart));
    });
  });

  test('stacked products, which other devices use, give the same', () => {
    scope(() => {
      manualSeed(4);
      const shapes = [
        [8, 8],
        [8, 20],
        [20, 8],
        [8, 8],
      ];
      const first = shapes.map((shape) => randn(shape));
      const gradients = shapes.map((shape) => randn(shape));
      const both = [false, true].map((cautious) => {
        const update = (): MuonUpdate => ({
          parameters: first.map((parameter) => parameter.clone()),
          gradients,
          momenta: gradients.map((gradient) => gradient.mul(0.5)),
          rates: [0.1, 0.2, 0.3, 0.4],
          momentum: 0.9,
          decay: 0.9,
          cautious,
          dtype: 'float32',
        });
        const [kernel, stacked] = [update(), update()];
        const { parameters, momenta, rates } = kernel;
        others.muon_(parameters, gradients, momenta, rates, 0.9, 0.9, cautious, false);
        noGrad(() => updateStacked(stacked));
        for (const [i, shape] of shapes.entries()) {
          assertNear(nested(parameters[i]!), nested(stacked.parameters[i]!), 1e-5);
          assertNear(nested(momenta[i]!), nested(stacked.momenta[i]!), 1e-6);
          assert.deepEqual(parameters[i]!.shape, shape);
        }
        return nested(parameters[0]!);
      });
      assert.notDeepEqual(both[0], both[1]);
    });
  });

  test('in bfloat16 it is the same to the rounding', () => {
    scope(() => {
      manualSeed(5);
      const gradient = randn([32, 48]);
      const [exact, rounded] = (['float32', 'bfloat16'] as const).map((dtype) => {
        const parameter = zeros([32, 48], { requiresGrad: true });
        using muon = new Muon({ parameter: { parameter, layout: 'out-in' } }, { learningRate: 1, dtype });
        parameter.grad = gradient;
        muon.step();
        return nested(parameter.detach());
      });
      assertNear(rounded!, exact!, 0.05);
    });
  });

  test('not one bit depends on the number of threads', (t) => {
    const before = getThreads();
    t.after(() => setThreads(before));
    const results = [1, 2, 4].map((threads) =>
      scope(() => {
        setThreads(threads);
        manualSeed(6);
        const shapes = [
          [192, 576],
          [96, 96],
          [600, 144],
        ] as const;
        const matrices = shapes.map((shape) => randn(shape, { requiresGrad: true }));
        const named = matrices.map((parameter, i) => [String(i), { parameter, layout: 'in-out' } as const]);
        // The first alone is as many pieces of work as there are matrices: one.
        for (const some of [named, named.slice(0, 1)]) {
          using muon = new Muon(Object.fromEntries(some), settings);
          for (const [i, matrix] of matrices.entries()) matrix.grad = randn(shapes[i]!);
          muon.step();
        }
        return matrices.map((matrix) => matrix.toArray());
      }),
    );
    assert.deepEqual(results[1], results[0]);
    assert.deepEqual(results[2], results[0]);
  });

  test('saved and loaded state goes on bit for bit', () => {
    scope(() => {
      const start = () => {
        const matrix = ones([10, 10], { requiresGrad: true });
        const named = { matrix: { parameter: matrix, layout: 'in-out' } as const };
        return { matrix, muon: new Muon(named, { ...settings, cautious: true }) };
      };
      const steps = ({ matrix, muon }: ReturnType<typeof start>, from: number, to: number) => {
        for (let step = from; step < to; step++) {
          manualSeed(step);
          matrix.grad = randn([10, 10]);
          muon.step();
        }
      };
      const [whole, first, second] = [start(), start(), start()];
      steps(whole, 0, 6);
      steps(first, 0, 3);
      noGrad(() => second.matrix.copy_(first.matrix));
      second.muon.loadState(first.muon.state());
      steps(second, 3, 6);
      assert.deepEqual(second.matrix.toNested(), whole.matrix.toNested());
      assert.deepEqual([...second.muon.state().tensors.keys()], ['momentum.matrix']);
      for (const { muon } of [whole, first, second]) muon[Symbol.dispose]();
    });
  });

  test('a matrix without gradient stays; a gradient of zeros gives no update', () => {
    scope(() => {
      const [used, unused] = [ones([2, 2], { requiresGrad: true }), ones([2, 2], { requiresGrad: true })];
      using muon = new Muon(
        { used: { parameter: used, layout: 'in-out' }, unused: { parameter: unused, layout: 'in-out' } },
        { learningRate: 0.1 },
      );
      used.grad = zeros([2, 2]);
      muon.step();
      assert.deepEqual([used.toNested(), unused.toNested()], [ones([2, 2]).toNested(), ones([2, 2]).toNested()]);
      muon.zeroGrad();
      assert.equal(used.grad, undefined);
    });
  });

  test('what is no matrix is refused by name', () => {
    scope(() => {
      const refused = (matrix: MuonMatrix, message: RegExp) =>
        assert.throws(
          () => new Muon({ w: matrix }, settings),
          (error) => error instanceof TorchError && message.test(error.message),
        );
      refused({ parameter: ones([3]), layout: 'in-out' }, /w of shape \(3\) is no matrix/);
      refused({ parameter: ones([3, 4]), layout: 'in-out', parts: [3] }, /has not the 3 outputs of its parts/);
      refused({ parameter: ones([3, 4]).to('int64'), layout: 'in-out' }, /cannot be trained in int64/);
    });
  });
});
