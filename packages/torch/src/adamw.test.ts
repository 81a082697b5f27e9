/** AdamW and gradient clipping against the formulas in plain float64 arithmetic. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  AdamW,
  clipGradNorm,
  getThreads,
  liveTensors,
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

interface Settings {
  readonly learningRate: number;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly cautious?: boolean;
}

/** Loshchilov & Hutter 2019, algorithm 2, with the decay scaled by the learning rate as in PyTorch. */
class ReferenceAdamW {
  readonly parameter: Float64Array;
  readonly #mean: Float64Array;
  readonly #square: Float64Array;
  readonly #settings: Settings;
  #step = 0;

  constructor(parameter: Float64Array, settings: Settings) {
    this.parameter = parameter;
    this.#mean = new Float64Array(parameter.length);
    this.#square = new Float64Array(parameter.length);
    this.#settings = settings;
  }

  step(gradient: Float64Array, learningRate: number, decayShare: number): void {
    const { betas, epsilon, weightDecay, cautious } = this.#settings;
    const [beta1, beta2] = betas;
    this.#step++;
    for (let i = 0; i < gradient.length; i++) {
      const g = gradient[i]!;
      this.#mean[i] = beta1 * this.#mean[i]! + (1 - beta1) * g;
      this.#square[i] = beta2 * this.#square[i]! + (1 - beta2) * g * g;
      const mean = this.#mean[i]! / (1 - beta1 ** this.#step);
      const square = this.#square[i]! / (1 - beta2 ** this.#step);
      const decays = cautious !== true || mean * this.parameter[i]! >= 0;
      const kept = decays ? 1 - learningRate * weightDecay * decayShare : 1;
      this.parameter[i] = this.parameter[i]! * kept - (learningRate * mean) / (Math.sqrt(square) + epsilon);
    }
  }
}

function numbers(x: Tensor): Float64Array {
  return x.to('float64').toArray() as Float64Array;
}

function assertNear(actual: Float64Array, expected: Float64Array, tolerance: number): void {
  actual.forEach((value, i) => {
    assert.ok(
      Math.abs(value - expected[i]!) <= tolerance * Math.max(1, Math.abs(expected[i]!)),
      `${i}: ${value}, not ${expected[i]}`,
    );
  });
}

describe('AdamW', () => {
  const settings: Settings = { learningRate: 3e-2, betas: [0.8, 0.95], epsilon: 1e-6, weightDecay: 0.1 };

  for (const [dtype, tolerance, cautious] of [
    ['float64', 1e-13, false],
    ['float32', 1e-5, false],
    ['float64', 1e-13, true],
  ] as const) {
    test(`equals its formula over a schedule, ${dtype}${cautious ? ', cautious decay' : ''}`, () => {
      scope(() => {
        manualSeed(1);
        // The second is larger than the piece that one thread takes; the third has no decay.
        const shapes = [[3, 5], [20_001], [7]];
        const parameters = shapes.map((shape) => randn(shape).to(dtype));
        for (const parameter of parameters) parameter.requiresGrad = true;
        using optimizer = new AdamW(
          [
            { parameters: { first: parameters[0]!, second: parameters[1]! }, weightDecay: settings.weightDecay },
            { parameters: { third: parameters[2]! }, weightDecay: 0 },
          ],
          { ...settings, cautious },
        );
        const references = parameters.map(
          (parameter, i) =>
            new ReferenceAdamW(numbers(parameter), {
              ...settings,
              cautious,
              weightDecay: i === 2 ? 0 : settings.weightDecay,
            }),
        );
        for (let step = 0; step < 10; step++) {
          optimizer.learningRate = settings.learningRate / (1 + step);
          optimizer.decayShare = 1 - step / 10;
          parameters.forEach((parameter, i) => {
            parameter.grad = randn(shapes[i]!).to(dtype);
            references[i]!.step(numbers(parameter.grad!), optimizer.learningRate, optimizer.decayShare);
          });
          optimizer.step();
        }
        parameters.forEach((parameter, i) => {
          assertNear(numbers(parameter), references[i]!.parameter, tolerance);
        });
      });
    });
  }

  test('minimises', () => {
    scope(() => {
      const x = tensor([5, -3], { requiresGrad: true });
      using optimizer = new AdamW([{ parameters: { x }, weightDecay: 0 }], { learningRate: 0.3 });
      for (let step = 0; step < 200; step++) {
        scope(() => {
          optimizer.zeroGrad();
          x.sub(1).pow(2).sum().backward();
          optimizer.step();
        });
      }
      assertNear(numbers(x), Float64Array.of(1, 1), 1e-2);
    });
  });

  test('a parameter without gradient stays, and zeroGrad takes all gradients away', () => {
    scope(() => {
      const [used, unused] = [ones([2], { requiresGrad: true }), ones([2], { requiresGrad: true })];
      using optimizer = new AdamW([{ parameters: { unused, used }, weightDecay: 0.5 }], { learningRate: 0.1 });
      used.mul(3).sum().backward();
      optimizer.step();
      assert.deepEqual(unused.toNested(), [1, 1]);
      assert.notDeepEqual(used.toNested(), [1, 1]);
      optimizer.zeroGrad();
      assert.equal(used.grad, undefined);
      const still = used.toNested();
      optimizer.step();
      assert.deepEqual(used.toNested(), still);
    });
  });

  test('a strided gradient', () => {
    scope(() => {
      manualSeed(2);
      const gradient = randn([4, 3]);
      const results = [gradient, gradient.transpose(0, 1).contiguous().transpose(0, 1)].map((grad) => {
        const x = ones([4, 3], { requiresGrad: true });
        using optimizer = new AdamW([{ parameters: { x }, weightDecay: 0 }], { learningRate: 0.1 });
        x.grad = grad;
        optimizer.step();
        return x.toNested();
      });
      assert.deepEqual(results[1], results[0]);
    });
  });

  test('saved and loaded state goes on bit for bit', () => {
    scope(() => {
      const start = () => {
        const x = ones([100], { requiresGrad: true });
        return { x, optimizer: new AdamW([{ parameters: { x }, weightDecay: 0.1 }], { learningRate: 0.01 }) };
      };
      const steps = ({ x, optimizer }: ReturnType<typeof start>, from: number, to: number) => {
        for (let step = from; step < to; step++) {
          manualSeed(step);
          x.grad = randn([100]);
          optimizer.step();
        }
      };
      const through = start();
      steps(through, 0, 10);
      const stopped = start();
      steps(stopped, 0, 4);
      const { step, tensors } = stopped.optimizer.state();
      assert.equal(step, 4);
      assert.deepEqual([...tensors.keys()], ['exp_avg.x', 'exp_avg_sq.x']);
      const resumed = start();
      noGrad(() => resumed.x.copy_(stopped.x));
      resumed.optimizer.loadState({
        step,
        tensors: new Map(Array.from(tensors, ([name, moment]) => [name, moment.clone()])),
      });
      steps(resumed, 4, 10);
      assert.deepEqual(resumed.x.toArray(), through.x.toArray());
      for (const { optimizer } of [through, stopped, resumed]) optimizer[Symbol.dispose]();
    });
  });

  test('the state of another model is refused', () => {
    scope(() => {
      using optimizer = new AdamW([{ parameters: { weight: ones([3]) }, weightDecay: 0 }], { learningRate: 1 });
      const refused = (tensors: Map<string, Tensor>) =>
        assert.throws(() => optimizer.loadState({ step: 3, tensors }), {
          name: 'TorchError',
          message: 'the optimizer state has no exp_avg.weight of shape (3); it belongs to another model',
        });
      refused(new Map());
      refused(new Map([['exp_avg.weight', ones([4])]]));
      assert.equal(optimizer.state().step, 0);
    });
  });

  test('frees its moments, and no step leaves tensors behind', () => {
    scope(() => {
      const x = ones([3], { requiresGrad: true });
      x.grad = ones([3]);
      const before = liveTensors();
      const optimizer = new AdamW([{ parameters: { x }, weightDecay: 0 }], { learningRate: 1 });
      optimizer.step();
      optimizer.step();
      assert.equal(liveTensors(), before + 2);
      optimizer[Symbol.dispose]();
      assert.equal(liveTensors(), before);
    });
  });

  test('two parameters of one name are refused', () => {
    scope(() => {
      const groups = [0, 0.1].map((weightDecay) => ({ parameters: { x: ones([2]) }, weightDecay }));
      assert.throws(() => new AdamW(groups, { learningRate: 1 }), {
        name: 'TorchError',
        message: /two parameters are named x/,
      });
    });
  });

  test('integers cannot be trained', () => {
    scope(() => {
      const counts = zeros([2], { dtype: 'int64' });
      assert.throws(() => new AdamW([{ parameters: { counts }, weightDecay: 0 }], { learningRate: 1 }), TorchError);
    });
  });
});

describe('clipGradNorm', () => {
  const withGradients = (seed: number): Tensor[] => {
    manualSeed(seed);
    return [[5, 7], [40_000], [1]].map((shape) => {
      const parameter = zeros(shape, { requiresGrad: true });
      parameter.grad = randn(shape);
      return parameter;
    });
  };
  const normOf = (parameters: readonly Tensor[]) =>
    Math.sqrt(
      parameters
        .flatMap(({ grad }) => (grad === undefined ? [] : [...numbers(grad)]))
        .reduce((sum, g) => sum + g * g, 0),
    );

  test('scales the joint norm down to the maximum and returns the norm before', () => {
    scope(() => {
      const parameters = [...withGradients(1), zeros([3], { requiresGrad: true })];
      const expected = normOf(parameters);
      const norm = clipGradNorm(parameters, 1);
      assert.ok(Math.abs(norm / expected - 1) < 1e-12, `${norm}, not ${expected}`);
      assert.ok(Math.abs(normOf(parameters) - 1) < 1e-5);
      assert.equal(parameters[3]!.grad, undefined);
    });
  });

  test('leaves smaller gradients alone', () => {
    scope(() => {
      const parameters = withGradients(2);
      const before = parameters.map(({ grad }) => grad!.toArray());
      assert.ok(clipGradNorm(parameters, 1e6) > 0);
      assert.deepEqual(
        parameters.map(({ grad }) => grad!.toArray()),
        before,
      );
    });
  });

  test('no gradients: 0; a gradient that is not finite: the norm says so', () => {
    scope(() => {
      const parameter = zeros([2], { requiresGrad: true });
      assert.equal(clipGradNorm([parameter], 1), 0);
      assert.equal(clipGradNorm([], 1), 0);
      parameter.grad = tensor([1, Number.NaN]);
      assert.ok(Number.isNaN(clipGradNorm([parameter], 1)));
      parameter.grad = tensor([1, Infinity]);
      assert.equal(clipGradNorm([parameter], 1), Infinity);
    });
  });

  test('the norm does not depend on the number of threads, to the last bit', () => {
    scope(() => {
      const threads = getThreads();
      const norms = [1, 2, 3].map((count) => {
        setThreads(count);
        return clipGradNorm(withGradients(3), Infinity);
      });
      setThreads(threads);
      assert.deepEqual(norms, [norms[0], norms[0], norms[0]]);
    });
  });
});
