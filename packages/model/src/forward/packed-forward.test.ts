// The packed forward is the model's own hidden() in another arrangement: held equal for every way of putting sequences together.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memory, noGrad, prefixRange, scope, setThreads, type Tensor, tensor } from '@tunan/torch';
import { ModelError } from '../errors.ts';
import type { BlockMode } from '../family.ts';
import { LanguageModel } from '../language-model.ts';
import type { Precision } from '../layers/linear.ts';
import { KeyValueCache } from './key-value-cache.ts';
import { type PackableModel, PackedForward } from './packed-forward.ts';
import type { TokenTree } from './token-tree.ts';

// Products this small only lose time to threads, and much of it on a busy machine.
setThreads(1);

const V = 320;
const A = [7, 300, 12, 12, 45, 9, 110];
const B = [200, 3];
const C = [8];

const families = ['gpt2', 'llama'] as const;

/** Weights wide enough to disagree; of llama with heads that share keys and values, and are wider than the stream together. */
function tinyModel(family: (typeof families)[number], dtype: Precision = 'float32'): LanguageModel {
  const sizes = { vocabularySize: V, contextLength: 300, layers: 2, width: 32, initStd: 0.25 };
  const config =
    family === 'gpt2'
      ? { ...sizes, heads: 2 }
      : { ...sizes, family, heads: 4, kvHeads: 2, headDim: 12, outputInit: 'normal' as const };
  return LanguageModel.create(config, { seed: 5, dtype });
}

/** Logits (T, V) flat of the whole sequence, of which the first `prefix` tokens see each other in both directions. */
function whole(model: LanguageModel, ids: readonly number[], prefix = 0): Float32Array {
  const range = () => prefixRange(tensor([prefix], { dtype: 'int64' }), ids.length);
  const logits = () => model.logits(model.hidden(tensor([[...ids]], { dtype: 'int64' }), { range: range() }));
  return scope(() => noGrad(() => logits().toArray() as Float32Array));
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const worst = Array.from(actual).reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
  assert.ok(worst <= tolerance, `differs by ${worst}`);
}

for (const [family, dtype, tolerance] of [
  ['gpt2', 'float32', 2e-5],
  ['gpt2', 'bfloat16', 0.15],
  ['llama', 'float32', 5e-5],
  ['llama', 'bfloat16', 0.5],
] as const) {
  test(`sequences of different lengths side by side, in pieces, get the logits of each alone, ${family} ${dtype}`, () => {
    using model = tinyModel(family, dtype);
    const forward = new PackedForward(model);
    using a = new KeyValueCache(model);
    using b = new KeyValueCache(model);
    using c = new KeyValueCache(model, 1);
    const first = forward.extend([
      { cache: a, ids: A.slice(0, 4), logits: 'all' },
      { cache: b, ids: B.slice(0, 1), logits: 'none' },
    ]);
    const second = forward.extend([
      { cache: a, ids: A.slice(4), logits: 'last' },
      { cache: b, ids: B.slice(1), logits: 'last' },
      { cache: c, ids: C, logits: 'all' },
    ]);
    assert.deepEqual([a.length, b.length, c.length], [7, 2, 1]);
    const wholeA = whole(model, A);
    assertClose(first[0]!, wholeA.subarray(0, 4 * V), tolerance);
    assert.equal(first[1]!.length, 0);
    assertClose(second[0]!, wholeA.subarray(6 * V), tolerance);
    assertClose(second[1]!, whole(model, B).subarray(V), tolerance);
    assertClose(second[2]!, whole(model, C), tolerance);
  });
}

/** Log-probabilities of a tree's targets, each by the whole sequence that leads to it. */
function plainly(model: LanguageModel, trunk: readonly number[], tree: TokenTree): number[] {
  const { prefix, branches, targets, bothWays = false } = tree;
  return targets.map(({ row, token }) => {
    let ids = [...trunk, ...prefix.slice(0, row + 1)];
    let start = prefix.length;
    for (const branch of branches) {
      if (row >= start && row < start + branch.length) ids = [...trunk, ...prefix, ...branch.slice(0, row - start + 1)];
      start += branch.length;
    }
    const logits = whole(model, ids, bothWays ? prefix.length : 0).subarray(-V);
    return logits[token]! - Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  });
}

function trunkOf(model: PackableModel, ids: readonly number[]): KeyValueCache {
  const cache = new KeyValueCache(model, ids.length);
  new PackedForward(model).extend([{ cache, ids, logits: 'none' }]);
  return cache;
}

const run = (length: number, salt: number) => Array.from({ length }, (_, i) => (salt * 31 + i * i * 7 + 5) % V);
const at = (rows: readonly number[], ...tokens: number[]) =>
  rows.flatMap((row) => tokens.map((token) => ({ row, token })));
/** No branches, twice of one length; a small tree under one mask; a large one with long and short branches. */
const trees: TokenTree[] = [
  { prefix: run(9, 1), branches: [], targets: at([3, 8], 10, 20) },
  { prefix: run(9, 2), branches: [], targets: at([8], 11) },
  { prefix: run(6, 3), branches: [run(2, 4), run(5, 5), run(1, 6)], targets: at([5, 6, 7, 12, 13], 12, 13, 14) },
  {
    prefix: run(120, 7),
    branches: [run(40, 8), run(10, 9), run(12, 10), run(3, 11)],
    targets: at([119, 121, 159, 160, 169, 181, 184], 15, 16),
  },
];

/** The same model whose heads come apart. */
function withoutJoint({ body, sizes, dtype, device }: LanguageModel): PackableModel {
  const blocks = body.blocks.map(({ heads, join }) => ({
    heads: (x: Tensor, positions: Tensor, mode: BlockMode) => {
      const { joint, ...apart } = heads(x, positions, mode);
      assert.ok(joint !== undefined);
      return apart;
    },
    join,
  }));
  return { body: { ...body, blocks }, sizes, dtype, device };
}

for (const [family, take, tolerance] of [
  ['gpt2', (model: LanguageModel) => model, 1e-5],
  ['gpt2 with heads apart', withoutJoint, 1e-5],
  ['llama', (model: LanguageModel) => model, 2e-5],
] as const) {
  test(`trees of tokens get the log-probabilities of each path, alone and behind a trunk, ${family}`, () => {
    using model = tinyModel(family === 'llama' ? 'llama' : 'gpt2');
    const taken = take(model);
    const forward = new PackedForward(taken);
    for (const length of [0, 60]) {
      const ids = run(length, 12);
      using trunk = length === 0 ? undefined : trunkOf(taken, ids);
      const scores = forward.score(trees, trunk);
      trees.forEach((tree, i) => {
        assertClose(scores[i]!, plainly(model, ids, tree), tolerance);
      });
    }
  });
}

for (const family of families) {
  test(`a prompt is read both ways and what follows it causally, as in training, ${family}`, () => {
    using model = tinyModel(family);
    const forward = new PackedForward(model);
    using a = new KeyValueCache(model);
    using b = new KeyValueCache(model);
    const [first, beside] = forward.extend([
      { cache: a, ids: A.slice(0, 4), logits: 'last', bothWays: true },
      { cache: b, ids: B, logits: 'last' },
    ]);
    const [second] = forward.extend([{ cache: a, ids: A.slice(4), logits: 'all' }]);
    const expected = whole(model, A, 4);
    assertClose(first!, expected.subarray(3 * V, 4 * V), 2e-5);
    assertClose(second!, expected.subarray(4 * V), 2e-5);
    assertClose(beside!, whole(model, B).subarray(V), 2e-5);
    // The trees without a target inside their prefix, side by side with some that read it causally.
    const behind = trees.map((tree) => ({
      ...tree,
      targets: tree.targets.filter(({ row }) => row >= tree.prefix.length - 1),
    }));
    const mixed = [...behind.map((tree) => ({ ...tree, bothWays: true })), ...behind];
    forward.score(mixed).forEach((scores, i) => {
      assertClose(scores, plainly(model, [], mixed[i]!), 2e-5);
    });
  });
}

test('a cache takes no more positions than it has, and says what it takes', () => {
  using model = tinyModel('gpt2');
  const forward = new PackedForward(model);
  const before = memory().allocatedBytes;
  using cache = new KeyValueCache(model, 3);
  assert.equal(memory().allocatedBytes, before);
  forward.extend([{ cache, ids: A.slice(0, 2), logits: 'none' }]);
  assert.equal(memory().allocatedBytes - before, KeyValueCache.bytes(model, 3));
  const tooLong = (error: unknown) => error instanceof ModelError && error.code === 'MODEL_INPUT_TOO_LONG';
  assert.throws(() => forward.extend([{ cache, ids: A.slice(2, 4), logits: 'last' }]), tooLong);
  assert.equal(cache.length, 2);
});

test('a run leaves no tensor behind', () => {
  using model = tinyModel('llama');
  const forward = new PackedForward(model);
  const use = () => {
    using cache = new KeyValueCache(model);
    forward.extend([{ cache, ids: A, logits: 'all' }]);
    using trunk = trunkOf(model, B);
    forward.score(trees, trunk);
  };
  use();
  const before = memory().allocatedBytes;
  for (let i = 0; i < 5; i++) use();
  assert.equal(memory().allocatedBytes, before);
});
