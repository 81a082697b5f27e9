/**
 * Random programs of operations: results feed the next operation, views and strides pile up, tensors are written in place, graphs run
 * backward, disposed tensors and tensors of another device ("meta", which has shapes and no memory) are handed in. Every step must
 * give a result or a TorchError of one line, never a crash, and leave nothing behind. scripts/sanitize.ts runs this file under
 * AddressSanitizer. With TUNAN_FUZZ_TRACE=1 every step is written to stderr before it runs, so that a crash names it.
 */
import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type DType,
  liveTensors,
  manualSeed,
  noGrad,
  ones,
  randint,
  randn,
  scope,
  Tensor,
  TorchError,
} from './index.ts';
import type { Argument } from './operation.ts';
import { differentiable, others } from './tensor.ts';

const operations = { ...differentiable, ...others } as Record<string, (...args: Argument[]) => unknown>;
const names = Object.keys(operations);
const trace = process.env.TUNAN_FUZZ_TRACE !== undefined;
/** Elements from which a result is let go, so that programs stay small. */
const LARGE = 20_000;

/** Numbers of one step: a small generator seeded by fast-check, so that dropping a step leaves the others as they were. */
class Choice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed | 1;
  }
  /** An integer of [0, limit). */
  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 0x9e3779b1) + 0x7f4a7c15) >>> 0;
    const mixed = Math.imul(this.#state ^ (this.#state >>> 15), 0x85ebca6b) >>> 0;
    return Math.floor((mixed / 2 ** 32) * limit);
  }
  chance(probability: number): boolean {
    return this.below(1000) < probability * 1000;
  }
  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
}

const floats: readonly DType[] = ['float32', 'float32', 'bfloat16', 'float64'];
const dtypes: readonly DType[] = [...floats, 'float16', 'int64', 'int32', 'uint8', 'bool'];
/** Odd lengths, a vector's tail, some longer than a piece of rows or a tile, and the empty. */
const lengths = [1, 2, 3, 3, 4, 5, 7, 8, 17, 33, 65, 130, 0];

/** A tensor of a shape, now and then strided, without memory or with a gradient to come. */
function make(choice: Choice, shape: readonly number[], dtype: DType): Tensor {
  const stretched = choice.chance(0.25) && shape.length > 0;
  const base = stretched ? [...shape.slice(0, -1), 2 * shape.at(-1)! + 1] : shape;
  const whole = dtype === 'int64' ? randint(choice.chance(0.2) ? -1 : 0, 5, base) : randn(base).to(dtype);
  let x = stretched ? whole.slice(shape.length - 1, 1, undefined, 2) : whole;
  if (shape.length >= 2 && choice.chance(0.2)) x = x.transpose(0, -1).contiguous().transpose(0, -1);
  if (choice.chance(0.02)) x = x.to({ device: 'meta' as 'cpu' });
  if (floats.includes(dtype) && choice.chance(0.4)) {
    x = x.detach();
    x.requiresGrad = true;
  }
  return x;
}

/** Operands that fit the fused kernels, which random shapes would hardly ever; one in eight is of another length. */
const fitted: Record<string, (choice: Choice) => Argument[]> = (() => {
  const off = (choice: Choice, length: number) => (choice.chance(0.04) ? length + 1 : length);
  const of = (choice: Choice, dtype: DType, ...shape: number[]) =>
    make(
      choice,
      shape.map((length) => off(choice, length)),
      choice.chance(0.05) ? choice.of(dtypes) : dtype,
    );
  const lead = (choice: Choice) => Array.from({ length: choice.below(3) }, () => choice.of(lengths));
  const affine = (choice: Choice): [Tensor, Tensor, Tensor] => {
    const [K, M] = [choice.of(lengths), choice.of(lengths)];
    const dtype = choice.of(floats);
    const wide = choice.chance(0.5) ? 'float32' : dtype;
    return [of(choice, dtype, ...lead(choice), K), of(choice, wide, K, M), of(choice, wide, M)];
  };
  const linear = (choice: Choice): [Tensor, Tensor, Tensor] => {
    const [x, weight, bias] = affine(choice);
    return [x, weight.transpose(0, 1), bias];
  };
  const withResidual = (choice: Choice, [x, weight, bias]: [Tensor, Tensor, Tensor]) => {
    const shape = [...x.shape.slice(0, -1), bias.size];
    const residual = of(choice, choice.of(['float32', 'float32', x.dtype]), ...shape);
    return choice.chance(0.3) ? [residual, x, weight] : [residual, x, weight, bias];
  };
  const loss = (choice: Choice) => {
    const [N, C, V] = [choice.of(lengths), choice.of(lengths), 4 + choice.of(lengths)];
    const dtype = choice.of(floats);
    return [of(choice, dtype, N, C), of(choice, dtype, V, C), of(choice, 'int64', N)];
  };
  const rows = (choice: Choice) => {
    const C = choice.of(lengths);
    return { shape: [...lead(choice), C], C, dtype: choice.of(floats) };
  };
  return {
    affine: (choice) => (choice.chance(0.3) ? affine(choice).slice(0, 2) : affine(choice)),
    layerNorm: (choice) => {
      const { shape, C, dtype } = rows(choice);
      return [of(choice, dtype, ...shape), of(choice, 'float32', C), of(choice, 'float32', C), 1e-5];
    },
    attention: (choice) => {
      const [B, Hkv, T, D] = [1 + choice.below(2), 1 + choice.below(2), choice.of(lengths), choice.of(lengths)];
      const S = T + choice.of([0, 0, 3]);
      const dtype = choice.of(floats);
      const kv = () => of(choice, dtype, B, S, Hkv, D);
      const range = () => (choice.chance(0.7) ? undefined : randint(-2, S + 3, [off(choice, B), off(choice, T)]));
      return [of(choice, dtype, B, T, Hkv * (1 + choice.below(3)), D), kv(), kv(), range(), range()];
    },
    selfAttention: (choice) => {
      const [H, D] = [1 + choice.below(3), choice.of(lengths)];
      const [B, T] = [1 + choice.below(2), choice.of(lengths)];
      const joint = of(choice, choice.of(floats), B, T, 3 * H * D);
      if (choice.chance(0.4)) return [joint, H];
      // Places before the first, behind the last, and ranges that end before they begin.
      const range = () => (choice.chance(0.2) ? undefined : randint(-2, T + 3, [off(choice, B), off(choice, T)]));
      return [joint, H, range(), range()];
    },
    affineGelu: affine,
    affineResidual: (choice) => withResidual(choice, affine(choice)),
    linear: (choice) => (choice.chance(0.3) ? linear(choice).slice(0, 2) : linear(choice)),
    linearResidual: (choice) => withResidual(choice, linear(choice)),
    residualLayerNorm: (choice) => {
      const { shape, C } = rows(choice);
      const code = choice.of([undefined, 6, 15]);
      return [of(choice, choice.of(floats), ...shape), of(choice, 'float32', C), of(choice, 'float32', C), 1e-5, code];
    },
    rmsNorm: (choice) => {
      const { shape, C, dtype } = rows(choice);
      return [of(choice, dtype, ...shape), of(choice, 'float32', C), 1e-5];
    },
    residualRmsNorm: (choice) => {
      const { shape, C, dtype } = rows(choice);
      return [of(choice, dtype, ...shape), of(choice, 'float32', C), 1e-5, choice.of([undefined, 6, 15])];
    },
    rotary: (choice) => {
      const [half, outer] = [choice.of(lengths), lead(choice)];
      const x = of(choice, choice.of(floats), ...outer, choice.of(lengths), 2 * half);
      const positions = of(choice, 'int64', ...outer.slice(choice.below(2)));
      const frequencies = Array.from({ length: off(choice, half) }, (_, i) => 1 / (i + 1));
      const weight = choice.chance(0.5) ? undefined : of(choice, 'float32', 2 * half);
      return [x, positions, frequencies, weight, 1e-5];
    },
    swiglu: (choice) => {
      const { shape, dtype } = rows(choice);
      return [of(choice, dtype, ...shape), of(choice, dtype, ...shape)];
    },
    tokenEmbedding: (choice) => {
      const [C, T] = [choice.of(lengths), choice.of(lengths)];
      const past = choice.chance(0.05) ? choice.of([-1, 2 ** 53, 2n ** 63n - 1n]) : choice.below(3);
      const dtype = choice.of(floats);
      const positions = of(choice, dtype, T + choice.below(3) + 1, C);
      return [of(choice, 'int64', 1 + choice.below(3), T), of(choice, dtype, 4 + choice.below(20), C), positions, past];
    },
    linearCrossEntropy: (choice) => [...loss(choice), choice.of([-100, 0, 1])],
    linearTokenLosses: loss,
    adamw_: (choice) => {
      const shapes = Array.from({ length: 1 + choice.below(3) }, () => lead(choice));
      const list = () =>
        shapes.map((shape) => of(choice, choice.of(['float32', 'float32', 'float64']), ...shape).detach());
      return [list(), list(), list(), list(), 1e-3, 0.9, 0.99, 1e-8, 0.1, choice.below(3), choice.chance(0.5)];
    },
    muon_: (choice) => {
      const shapes = Array.from({ length: 1 + choice.below(3) }, () => [choice.of(lengths), choice.of(lengths)]);
      const list = () =>
        shapes.map((shape) => of(choice, choice.of(['float32', 'float32', 'float64']), ...shape).detach());
      const rates = shapes.map(() => 0.01);
      return [list(), list(), list(), rates, 0.9, 0.99, choice.chance(0.5), choice.chance(0.2)];
    },
    gradientNorm: (choice) => [
      Array.from({ length: choice.below(4) }, () => of(choice, choice.of(floats), ...lead(choice))),
    ],
  };
})();

const fittedNames = Object.keys(fitted);

/**
 * What operations take, a letter an argument: T a tensor, U one of the first's shape, B a condition of it, X int64 of it, V an int64
 * vector, L tensors of it, n a number, d a dimension, D dimensions, s a shape, b a boolean. Operations that are not here, and one call
 * in eight of those that are, get arguments at random.
 */
const operationsBySignature: Readonly<Record<string, string>> = {
  T: 'abs clone contiguous exp gelu log mean neg norm relu rsqrt sigmoid sqrt sum tanh argmax detach tril zero_ normal_',
  TU: 'add div mul sub add_ copy_ mul_ eq ge gt le lt ne',
  Tn: 'addScalar divScalar mulScalar subScalar pow fill_ mulScalar_ eqScalar geScalar gtScalar leScalar ltScalar neScalar',
  L: 'cat stack gradientNorm',
  Ld: 'cat stack',
  Td: 'softmax logSoftmax max min sumDims squeeze unsqueeze argmax',
  TDb: 'logSumExp sumDims meanDims',
  Tdd: 'transpose select',
  Tddd: 'narrow slice',
  Ts: 'expand reshape view',
  TD: 'permute',
  TdX: 'gather',
  TdV: 'indexSelect',
  TV: 'embedding',
  BTU: 'where',
  TBn: 'maskedFill',
  TT: 'matmul',
  s: 'zeros ones rand randn empty',
  sn: 'full',
  dds: 'randint',
  ddd: 'arange',
  Tdb: 'multinomial',
  Tnb: 'dropout',
};
const signatures = new Map(
  Object.entries(operationsBySignature).flatMap(([letters, listed]) =>
    listed.split(' ').map((name) => [name, letters]),
  ),
);

const plain = [
  -2,
  -1,
  0,
  0,
  1,
  1,
  2,
  3,
  5,
  0.5,
  Number.NaN,
  Infinity,
  2 ** 53,
  1e300,
  2n ** 63n - 1n,
  2n ** 70n,
  true,
  false,
  undefined,
];

class Program {
  readonly #tensors: Tensor[] = [];
  results = 0;
  errors = 0;

  step(choice: Choice): void {
    try {
      this.#act(choice);
    } catch (error) {
      if (!(error instanceof TorchError)) throw error;
      assert.ok(error.message.length > 0 && !error.message.includes('\n'), error.message);
      this.errors++;
    }
  }

  #act(choice: Choice): void {
    const kind = choice.below(100);
    if (this.#tensors.length < 3 || kind < 12) this.#push(this.#fresh(choice));
    else if (kind < 64) this.#call(choice, choice.of(names));
    else if (kind < 82) this.#call(choice, choice.of(fittedNames));
    else if (kind < 90) this.#backward(choice);
    else if (kind < 93) choice.of(this.#tensors).dispose();
    else if (kind < 96) choice.of(this.#tensors).toArray();
    else if (kind < 98) choice.of(this.#tensors).grad = choice.of([undefined, ...this.#tensors]);
    else noGrad(() => this.#call(choice, choice.of(names)));
  }

  #fresh(choice: Choice): Tensor {
    const shape = Array.from({ length: choice.below(5) }, () => choice.of(lengths.slice(0, 8)));
    return make(choice, shape, choice.of(dtypes));
  }

  #call(choice: Choice, name: string): void {
    const args = choice.chance(0.12) ? this.#anything(choice) : this.#fitting(choice, name);
    this.#say(name, args);
    this.#push(operations[name]!(...args));
    this.results++;
  }

  #fitting(choice: Choice, name: string): Argument[] {
    const known = fitted[name];
    if (known !== undefined) return known(choice);
    const letters = signatures.get(name);
    if (letters === undefined) return this.#anything(choice);
    const first = choice.of(this.#tensors.filter((x) => !x.disposed && x.device === 'cpu'));
    if (first === undefined) return this.#anything(choice);
    const dims = Array.from({ length: choice.below(3) }, () => choice.below(4) - 1);
    const like = () => (choice.chance(0.3) ? choice.of(this.#tensors) : make(choice, first.shape, first.dtype));
    const makers: Record<string, () => Argument> = {
      T: () => first,
      U: like,
      B: () => make(choice, first.shape, 'bool'),
      X: () => make(choice, first.shape, 'int64'),
      V: () => make(choice, [choice.below(6)], 'int64'),
      L: () => Array.from({ length: 1 + choice.below(3) }, like),
      n: () => choice.of([0, 1, -2, 0.5, 3, 1e-3, Number.NaN]),
      d: () => choice.below(5) - 1,
      D: () => dims,
      s: () => (choice.chance(0.5) ? [...first.shape].reverse() : Array.from(dims, Math.abs)),
      b: () => choice.chance(0.5),
    };
    return [...letters].map((letter) => makers[letter]!());
  }

  #anything(choice: Choice): Argument[] {
    return Array.from({ length: 1 + choice.below(4) }, (_, at): Argument => {
      const kind = at === 0 ? choice.below(75) : choice.below(100);
      if (kind < 60) return choice.of(this.#tensors);
      if (kind < 66) return Array.from({ length: choice.below(4) }, () => choice.of(this.#tensors));
      if (kind < 70) return Array.from({ length: choice.below(4) }, () => choice.below(7) - 1);
      if (kind < 73) return choice.of(['none', 'tanh', 'cpu', 'meta', 'tpu', '']);
      return choice.of(plain);
    });
  }

  #backward(choice: Choice): void {
    const grown = this.#tensors.filter((x) => !x.disposed && x.requiresGrad);
    if (grown.length === 0) return;
    const x = choice.of(grown);
    this.#say('backward', [x]);
    x.to('float32').sum().backward();
    this.results++;
  }

  #push(value: unknown): void {
    if (Array.isArray(value)) for (const item of value) this.#push(item);
    if (!(value instanceof Tensor) || value.size > LARGE) return;
    if (this.#tensors.length < 16) this.#tensors.push(value);
    else this.#tensors[this.results % 16] = value;
  }

  #say(name: string, args: readonly Argument[]): void {
    if (!trace) return;
    const describe = (value: Argument): string => {
      if (Array.isArray(value)) return `[${value.map(describe).join(', ')}]`;
      if (!(value instanceof Tensor)) return String(value);
      return value.disposed ? 'disposed' : `(${value.shape.join(' ')}) ${value.dtype} ${value.device}`;
    };
    writeSync(2, `${name} ${args.map(describe).join(', ')}\n`);
  }
}

test('random programs give results or TorchErrors and leave nothing behind', () => {
  manualSeed(1);
  const before = liveTensors();
  let results = 0;
  let errors = 0;
  fc.assert(
    fc.property(fc.array(fc.nat(2 ** 31 - 1), { minLength: 10, maxLength: 60 }), (seeds) => {
      const program = new Program();
      scope(() => {
        for (const seed of seeds) program.step(new Choice(seed));
      });
      results += program.results;
      errors += program.errors;
    }),
    { numRuns: 800, seed: 20210927, endOnFailure: true },
  );
  assert.equal(liveTensors(), before);
  assert.ok(results > 5000 && errors > 1500, `${results} results, ${errors} errors`);
  scope(() => assert.equal(ones([3]).sum().item(), 3));
});
