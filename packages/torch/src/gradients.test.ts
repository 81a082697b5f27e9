/**
 * Every operation of the differentiable table against central differences in float64, on random shapes, with inputs laid out row by
 * row and with inputs whose memory runs the other way round. An operation added to the table without a case here fails.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { manualSeed, rand, randint, scope, type Tensor, tensor } from './index.ts';
import { differentiable } from './tensor.ts';

interface Case {
  /** Float64 inputs; a function because sizes and values are drawn anew for each seed. */
  readonly inputs: () => Tensor[];
  /** `inputs` in, the operation's result out. Other operands (indices, masks) are made by `prepare`. */
  readonly run: (inputs: readonly Tensor[], operands: readonly Tensor[]) => Tensor | readonly Tensor[];
  readonly prepare?: (inputs: readonly Tensor[]) => Tensor[];
  /** A view of memory that runs the other way round does not exist. */
  readonly contiguousOnly?: boolean;
  /** Of the difference. For a linear operation in float32 a step and values that it holds exactly. */
  readonly step?: number;
}

const double = { dtype: 'float64' } as const;

function size(): number {
  return [1, 2, 3, 5, 7][Math.floor(rand([]).item() * 5)]!;
}

/** Of either sign, at least 0.2 away from zero, where some operations have their kink. */
function values(...shape: number[]): Tensor {
  const magnitude = rand(shape, double).add(0.2);
  return magnitude.mul(rand(shape, double).lt(0.5).to('float64').mul(2).sub(1));
}

function positive(...shape: number[]): Tensor {
  return rand(shape, double).add(0.5);
}

/** Multiples of 1/8, which float32 adds without rounding. */
function eighths(...shape: number[]): Tensor {
  return randint(-16, 17, shape).to('float64').div(8);
}

const elementwise = (run: (x: Tensor) => Tensor, make = values): Case => ({
  inputs: () => [make(size(), size(), size())],
  run: ([x]) => run(x!),
});

/** Two operands of which the second is broadcast along one dimension and lacks another. */
const broadcast = (run: (a: Tensor, b: Tensor) => Tensor, make = values): Case => ({
  inputs: () => {
    const [first, second, third] = [size(), size(), size()];
    return [values(first, second, third), make(1, third)];
  },
  run: ([a, b]) => run(a!, b!),
});

/** The most heads, below all, that share the channels equally. */
function largestHeadCount(channels: number): number {
  for (let heads = channels - 1; heads > 1; heads--) if (channels % heads === 0) return heads;
  return 1;
}

const cases: Record<keyof typeof differentiable, Case> = {
  abs: elementwise((x) => differentiable.abs(x)),
  add: broadcast((a, b) => differentiable.add(a, b, -1.5)),
  addScalar: elementwise((x) => differentiable.addScalar(x, 2.5)),
  affine: {
    inputs: () => {
      const [rows, inner, outer] = [size(), size(), size()];
      return [values(rows, 3, inner), values(inner, outer), values(outer)];
    },
    run: ([x, weight, bias]) => differentiable.affine(x, weight, bias),
  },
  affineGelu: {
    inputs: () => {
      const [inner, outer] = [size(), size()];
      return [values(2, size(), inner), values(inner, outer), values(outer)];
    },
    run: ([x, weight, bias]) => differentiable.affineGelu(x, weight, bias),
  },
  affineResidual: {
    inputs: () => {
      const [rows, inner, outer] = [size(), size(), size()];
      return [values(2, rows, outer), values(2, rows, inner), values(inner, outer), values(outer)];
    },
    run: ([residual, x, weight, bias]) => differentiable.affineResidual(residual, x, weight, bias),
  },
  attention: {
    inputs: () => {
      const [kvHeads, queries, width] = [size(), size(), size()];
      const keys = queries + Math.floor(rand([]).item() * 4);
      return [values(2, queries, 2 * kvHeads, width), values(2, keys, kvHeads, width), values(2, keys, kvHeads, width)];
    },
    run: ([q, k, v]) => differentiable.attention(q, k, v),
  },
  cat: {
    inputs: () => {
      const [rows, columns] = [size(), size()];
      return [values(rows, 2, columns), values(rows, 3, columns)];
    },
    run: (inputs) => differentiable.cat(inputs, 1),
  },
  clone: elementwise((x) => differentiable.clone(x)),
  contiguous: elementwise((x) => differentiable.contiguous(x)),
  crossEntropy: {
    inputs: () => [values(size() + 1, 5)],
    prepare: ([logits]) => [randint(1, 5, [logits!.shape[0]!])],
    run: ([logits], [targets]) => differentiable.crossEntropy(logits, targets, undefined, 1, 0, 0.1),
  },
  div: broadcast((a, b) => differentiable.div(a, b), positive),
  divScalar: elementwise((x) => differentiable.divScalar(x, -1.75)),
  embedding: {
    inputs: () => [values(5, size())],
    prepare: () => [randint(0, 5, [2, size()])],
    run: ([weight], [ids]) => differentiable.embedding(weight, ids),
  },
  exp: elementwise((x) => differentiable.exp(x)),
  expand: { inputs: () => [values(size(), 1, size())], run: ([x]) => differentiable.expand(x, [3, -1, 4, -1]) },
  gather: {
    inputs: () => [values(3, 5)],
    prepare: () => [randint(0, 5, [3, size()])],
    run: ([x], [index]) => differentiable.gather(x, 1, index),
  },
  gelu: {
    inputs: () => [values(size(), size())],
    run: ([x]) => [differentiable.gelu(x, 'none'), differentiable.gelu(x, 'tanh')],
  },
  geluTanh: { inputs: () => [values(size(), size())], run: ([x]) => differentiable.geluTanh(x) },
  indexSelect: {
    inputs: () => [values(size(), 4, size())],
    prepare: () => [randint(0, 4, [size()])],
    run: ([x], [index]) => differentiable.indexSelect(x, 1, index),
  },
  layerNorm: {
    inputs: () => {
      const channels = size() + 1;
      return [values(size(), 3, channels), values(channels), values(channels)];
    },
    run: ([x, weight, bias]) => differentiable.layerNorm(x, weight, bias, 1e-5),
  },
  linear: {
    inputs: () => {
      const [rows, inner, outer] = [size(), size(), size()];
      return [values(rows, 3, inner), values(outer, inner), values(outer)];
    },
    run: ([x, weight, bias]) => differentiable.linear(x, weight, bias),
  },
  linearCrossEntropy: {
    inputs: () => {
      const [rows, channels] = [size() + 1, size()];
      return [values(rows, channels), values(5, channels)];
    },
    // The last target is left out.
    prepare: ([hidden]) => {
      const rows = hidden!.shape[0]!;
      return [tensor(BigInt64Array.from({ length: rows }, (_, i) => (i === rows - 1 ? -100n : BigInt(i % 5))))];
    },
    run: ([hidden, weight], [targets]) => differentiable.linearCrossEntropy(hidden, weight, targets),
  },
  linearResidual: {
    inputs: () => {
      const [rows, inner, outer] = [size(), size(), size()];
      return [values(2, rows, outer), values(2, rows, inner), values(outer, inner)];
    },
    run: ([residual, x, weight]) => differentiable.linearResidual(residual, x, weight),
  },
  log: elementwise((x) => differentiable.log(x), positive),
  logSoftmax: elementwise((x) => differentiable.logSoftmax(x, 1)),
  logSumExp: elementwise((x) => differentiable.logSumExp(x, [1])),
  maskedFill: {
    inputs: () => [values(size(), 2, size())],
    prepare: ([x]) => [rand(x!.shape).lt(0.5)],
    run: ([x], [mask]) => differentiable.maskedFill(x, mask, 3),
  },
  matmul: {
    inputs: () => {
      const [n, k, m] = [size(), size(), size()];
      return [values(2, 1, n, k), values(3, k, m)];
    },
    run: ([a, b]) => differentiable.matmul(a, b),
  },
  max: elementwise((x) => differentiable.max(x, 1)[0]),
  makeAgain: {
    inputs: () => {
      const [rows, channels, outer] = [size(), size() + 1, size()];
      return [values(rows, channels), values(channels), values(channels, outer), values(outer)];
    },
    run: ([x, scale, weight, bias]) => {
      const [stream, normed] = differentiable.residualRmsNorm(x, scale, 1e-6);
      const [one, other] = differentiable.makeAgain(normed, [
        differentiable.affineGelu(normed, weight, bias),
        differentiable.affine(normed, weight),
      ]) as [Tensor, Tensor];
      const gated = differentiable.swiglu(one, other);
      return [stream, ...differentiable.makeAgain(gated, [differentiable.mul(gated, other)])];
    },
  },
  mean: elementwise((x) => differentiable.mean(x)),
  meanDims: elementwise((x) => differentiable.meanDims(x, [0, 2], true)),
  min: elementwise((x) => differentiable.min(x, 2, true)[0]),
  mul: broadcast((a, b) => differentiable.mul(a, b)),
  mulScalar: elementwise((x) => differentiable.mulScalar(x, 0.3)),
  narrow: { inputs: () => [values(size(), 5, size())], run: ([x]) => differentiable.narrow(x, 1, 1, 3) },
  neg: elementwise((x) => differentiable.neg(x)),
  norm: elementwise((x) => differentiable.norm(x, 2)),
  permute: elementwise((x) => differentiable.permute(x, [2, 0, 1])),
  pow: elementwise((x) => differentiable.pow(x, 2.5), positive),
  relu: elementwise((x) => differentiable.relu(x)),
  reshape: elementwise((x) => differentiable.reshape(x, [-1])),
  residualLayerNorm: {
    inputs: () => {
      const channels = size() + 1;
      return [values(size(), 3, channels), values(channels), values(channels)];
    },
    run: ([x, weight, bias]) => differentiable.residualLayerNorm(x, weight, bias, 1e-5),
  },
  residualRmsNorm: {
    inputs: () => {
      const channels = size() + 1;
      return [values(size(), 3, channels), values(channels)];
    },
    run: ([x, weight]) => differentiable.residualRmsNorm(x, weight, 1e-5),
  },
  rmsNorm: {
    inputs: () => {
      const channels = size() + 1;
      return [values(size(), 3, channels), values(channels)];
    },
    run: ([x, weight]) => differentiable.rmsNorm(x, weight, 1e-5),
  },
  rotary: {
    inputs: () => {
      const half = size();
      return [values(2, size(), size(), 2 * half), values(2 * half)];
    },
    prepare: ([x]) => [randint(0, 50, [x!.shape[1]!])],
    run: ([x, weight], [positions]) => {
      const frequencies = Array.from({ length: weight!.size / 2 }, (_, i) => 1 / (i + 1));
      return [
        differentiable.rotary(x, positions, frequencies),
        differentiable.rotary(x, positions, frequencies, weight, 1e-5),
      ];
    },
  },
  rsqrt: elementwise((x) => differentiable.rsqrt(x), positive),
  select: elementwise((x) => differentiable.select(x, 1, -1)),
  selfAttention: {
    inputs: () => {
      const heads = size();
      return [values(2, size(), 3 * heads * size())];
    },
    run: ([joint]) => differentiable.selfAttention(joint!, largestHeadCount(joint!.shape[2]! / 3)),
  },
  sigmoid: elementwise((x) => differentiable.sigmoid(x)),
  slice: { inputs: () => [values(size(), 7, size())], run: ([x]) => differentiable.slice(x, 1, 1, undefined, 2) },
  softmax: elementwise((x) => differentiable.softmax(x, -1)),
  split: { inputs: () => [values(size(), 6)], run: ([x]) => differentiable.split(x, [1, 3, 2], 1) },
  sqrt: elementwise((x) => differentiable.sqrt(x), positive),
  squeeze: { inputs: () => [values(size(), 1, size())], run: ([x]) => differentiable.squeeze(x, 1) },
  stack: {
    inputs: () => {
      const shape = [size(), size()];
      return [values(...shape), values(...shape)];
    },
    run: (inputs) => differentiable.stack(inputs, 1),
  },
  sub: broadcast((a, b) => differentiable.sub(a, b)),
  subScalar: elementwise((x) => differentiable.subScalar(x, 4)),
  sum: elementwise((x) => differentiable.sum(x)),
  sumDims: elementwise((x) => differentiable.sumDims(x, [0, -1])),
  swiglu: {
    inputs: () => {
      const shape = [size(), size()];
      return [values(...shape), values(...shape)];
    },
    run: ([gate, up]) => differentiable.swiglu(gate, up),
  },
  tanh: elementwise((x) => differentiable.tanh(x)),
  toDtype: { ...elementwise((x) => differentiable.toDtype(x, 6), eighths), step: 0.25 },
  tokenEmbedding: {
    inputs: () => {
      const channels = size();
      return [values(5, channels), values(9, channels)];
    },
    prepare: () => [randint(0, 5, [3, size()])],
    run: ([tokens, positions], [ids]) => differentiable.tokenEmbedding(ids, tokens, positions, 2),
  },
  transpose: elementwise((x) => differentiable.transpose(x, 0, 2)),
  unsqueeze: elementwise((x) => differentiable.unsqueeze(x, 1)),
  view: { ...elementwise((x) => differentiable.view(x, [-1, x.shape[2]!])), contiguousOnly: true },
  where: {
    inputs: () => {
      const shape = [size(), size()];
      return [values(...shape), values(...shape)];
    },
    prepare: ([x]) => [rand(x!.shape).lt(0.5)],
    run: ([yes, no], [condition]) => differentiable.where(condition, yes, no),
  },
};

/** A leaf holding `array`, and the tensor of `shape` that the operation sees of it. */
function leafOf(array: Float64Array, shape: readonly number[], reversed: boolean): { leaf: Tensor; seen: Tensor } {
  if (!reversed) {
    const leaf = tensor(array, { ...double, shape, requiresGrad: true });
    return { leaf, seen: leaf };
  }
  const leaf = tensor(array, { ...double, shape: shape.toReversed(), requiresGrad: true });
  return { leaf, seen: leaf.permute(...shape.map((_, i) => shape.length - 1 - i)) };
}

function check(name: string, example: Case, seed: number, reversed: boolean): void {
  manualSeed(seed);
  const inputs = example.inputs();
  const operands = example.prepare?.(inputs) ?? [];
  const arrays = inputs.map((input) => input.toArray() as Float64Array);
  const shapes = inputs.map((input) => input.shape);

  // A scalar of the result that weighs every element differently: its gradient is one row of the Jacobian's transpose.
  const forward = () => {
    const leaves = arrays.map((array, i) => leafOf(array, shapes[i]!, reversed));
    const result = example.run(
      leaves.map(({ seen }) => seen),
      operands,
    );
    manualSeed(seed + 1000);
    const parts = [result].flat().map((part) => {
      const wide = part.to('float64');
      return wide.mul(rand(wide.shape, double).add(0.5)).sum();
    });
    return { loss: parts.reduce((total, part) => total.add(part)), leaves: leaves.map(({ leaf }) => leaf) };
  };

  const { loss, leaves } = forward();
  loss.backward();
  const step = example.step ?? 1e-6;
  for (const [i, array] of arrays.entries()) {
    const { grad } = leaves[i]!;
    assert.ok(grad, `${name}: input ${i} got no gradient`);
    assert.deepEqual(grad.shape, leaves[i]!.shape);
    const exact = grad.toArray() as Float64Array;
    const largest = exact.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-2);
    array.forEach((value, j) => {
      const at = (moved: number) => {
        array[j] = moved;
        const result = scope(() => forward().loss.item());
        array[j] = value;
        return result;
      };
      const difference = (at(value + step) - at(value - step)) / (2 * step);
      assert.ok(
        Math.abs(difference - exact[j]!) <= 1e-6 * largest,
        `${name}, seed ${seed}${reversed ? ', strided' : ''}: input ${i} of shape (${shapes[i]!.join(', ')}), element ${j}: ` +
          `gradient ${exact[j]}, difference ${difference}`,
      );
    });
  }
}

describe('gradients against central differences', () => {
  for (const name of Object.keys(differentiable) as (keyof typeof differentiable)[]) {
    test(name, () => {
      const example = cases[name];
      assert.ok(example, `${name} is differentiable but has no case in this test`);
      for (const reversed of example.contiguousOnly ? [false] : [false, true]) {
        for (const seed of [1, 2, 3]) scope(() => check(name, example, seed, reversed));
      }
    });
  }
});
