// Blocks are handed out, shared and given back as counted; forks hold what their source held, and neither changes the other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CACHE_POSITIONS, liveTensors, manualSeed, rand, scope, setThreads } from '@tunan/torch';
import { ModelError } from '../errors.ts';
import { LanguageModel } from '../language-model.ts';
import { attendByOperations, cachedAttention, readCache } from './cached-attention.ts';
import { KeyValueCache } from './key-value-cache.ts';
import { KeyValuePool } from './key-value-pool.ts';
import { PackedForward } from './packed-forward.ts';

setThreads(1);

const sizes = { layers: 2, kvHeads: 2, headDim: 12, contextLength: 200 };
const model = { sizes, dtype: 'float32', device: 'cpu' } as const;
const full = (error: unknown) => error instanceof ModelError && error.code === 'MODEL_CACHE_FULL';
const tooLong = (error: unknown) => error instanceof ModelError && error.code === 'MODEL_INPUT_TOO_LONG';

test('what a block takes: whole blocks, of heads of keys alone, their width padded, in the dtype of the products', () => {
  const block = 2 * 2 * 2 * CACHE_POSITIONS * 16 * 4;
  assert.equal(KeyValuePool.bytes(model, 1), block);
  assert.equal(KeyValuePool.bytes(model, CACHE_POSITIONS + 1), 2 * block);
  assert.equal(KeyValuePool.positions(model, 3 * block - 1), 2 * CACHE_POSITIONS);
  assert.equal(KeyValueCache.bytes({ sizes, dtype: 'bfloat16' }, CACHE_POSITIONS), block / 2);
});

test('a pool takes memory as it is asked for, within its bound, and gives all of it back', () => {
  const before = liveTensors();
  {
    const pool = new KeyValuePool(model, { bytes: 5.5 * KeyValuePool.bytes(model, 1) });
    const { blockBytes } = pool;
    assert.equal(pool.usedBytes, 0);
    const blocks = Array.from({ length: 5 }, () => pool.take());
    assert.equal(
      new Set(blocks.map(({ slab, place }) => `${[...new Set(blocks.map((b) => b.slab))].indexOf(slab)} ${place}`))
        .size,
      5,
    );
    assert.equal(pool.usedBytes, 5 * blockBytes);
    assert.equal(pool.freeBytes, 0.5 * blockBytes);
    assert.throws(() => pool.take(), full);
    pool.giveBack(blocks[2]!);
    pool.giveBack(pool.take());
    for (const block of [blocks[0]!, blocks[1]!, blocks[3]!, blocks[4]!]) pool.giveBack(block);
    assert.equal(pool.usedBytes, 0);
    assert.equal(liveTensors(), before);
  }
  assert.equal(liveTensors(), before);
});

test('a fork holds the same keys and values, shares whole blocks, and goes its own way', () => {
  const pool = new KeyValuePool(model);
  using source = new KeyValueCache(pool);
  const add = (cache: KeyValueCache, count: number) => {
    scope(() => {
      const heads = () => rand([count, 2, 12]);
      const { attend } = cachedAttention([{ cache, count, bothWays: false }], true);
      for (const layer of [0, 1]) attend({ queries: heads(), keys: heads(), values: heads() }, layer);
    });
    cache.advance(count);
  };
  const content = (cache: KeyValueCache, length = cache.length) =>
    scope(() =>
      [0, 1].flatMap((layer) => {
        const { keys, values } = readCache(cache, layer, length);
        return [...keys.toArray(), ...values.toArray()];
      }),
    );
  manualSeed(3);
  add(source, 2 * CACHE_POSITIONS + 5);
  const original = content(source);
  for (const length of [0, 7, CACHE_POSITIONS, CACHE_POSITIONS + 9, 2 * CACHE_POSITIONS, 2 * CACHE_POSITIONS + 5]) {
    const used = pool.usedBytes;
    using fork = source.fork(length);
    assert.equal(fork.length, length);
    assert.equal(pool.usedBytes - used, length % CACHE_POSITIONS === 0 ? 0 : pool.blockBytes);
    assert.equal(fork.ownBytes, pool.usedBytes - used);
    if (length > 0) assert.deepEqual(content(fork), content(source, length));
    add(fork, 40);
    assert.deepEqual(content(source), original);
    const grown = content(fork);
    using second = fork.fork(length + 3);
    add(second, 30);
    assert.deepEqual(content(fork), grown);
  }
  assert.equal(source.ownBytes, pool.usedBytes);
  const fork = source.fork(CACHE_POSITIONS);
  assert.equal(source.ownBytes, pool.usedBytes - pool.blockBytes);
  const first = content(fork);
  source.dispose();
  assert.deepEqual(content(fork), first);
  fork.dispose();
  assert.equal(pool.usedBytes, 0);
});

test('mistakes: more than the context, more than the pool, a fork of what is not there', () => {
  const pool = new KeyValuePool(model, { bytes: 2 * KeyValuePool.bytes(model, 1) });
  using cache = new KeyValueCache(pool, 500);
  assert.equal(cache.capacity, 200);
  assert.throws(() => cache.reserve(201), tooLong);
  assert.throws(() => cache.reserve(3 * CACHE_POSITIONS), full);
  cache.advance(2 * CACHE_POSITIONS - 1);
  assert.throws(() => cache.fork(2 * CACHE_POSITIONS), /has no first/);
  assert.throws(() => cache.fork(3), full);
  assert.throws(() => cache.fork(CACHE_POSITIONS, 8), tooLong);
  cache.fork(CACHE_POSITIONS).dispose();
  assert.equal(pool.usedBytes, 2 * pool.blockBytes);
});

for (const [dtype, tolerance] of [
  ['float32', 1e-5],
  ['bfloat16', 0.03],
] as const) {
  test(`the kernel gives what operations give, and keeps the same, ${dtype}`, () => {
    const config = { sizes, dtype, device: 'cpu' } as const;
    manualSeed(8);
    const pool = new KeyValuePool(config);
    const pasts = [0, 3, 31, 32, 70];
    const caches = (['kernel', 'operations'] as const).map(() => pasts.map(() => new KeyValueCache(pool)));
    for (const [step, counts] of [pasts.map((past) => past + 1), [1, 5, 1, 33, 1], [40, 1, 1, 2, 28]].entries()) {
      scope(() => {
        const rows = counts.reduce((sum, count) => sum + count, 0);
        const drawn = (heads: number) => rand([rows, heads, 12]).mul(4).sub(2).to(dtype);
        const heads = { queries: drawn(6), keys: drawn(2), values: drawn(2) };
        const [kernel, operations] = caches.map((list) =>
          list.map((cache, i) => ({ cache, count: counts[i]!, bothWays: (i + step) % 3 === 0 })),
        );
        const { attend } = cachedAttention(kernel!, true);
        cachedAttention(operations!, false);
        for (const layer of [0, 1]) {
          const [a, b] = [attend(heads, layer), attendByOperations(heads, operations!, layer)].map((x) => x.toArray());
          assert.equal(a!.length, rows * 6 * 12);
          a!.forEach((value, i) => {
            assert.ok(Math.abs(Number(value) - Number(b![i])) < tolerance, `${value} ${b![i]}`);
          });
        }
        for (const list of [kernel!, operations!]) for (const { cache, count } of list) cache.advance(count);
        caches[0]!.forEach((cache, i) => {
          for (const layer of [0, 1]) {
            const [one, other] = [cache, caches[1]![i]!].map((each) => readCache(each, layer));
            assert.deepEqual(one!.keys.toArray(), other!.keys.toArray());
            assert.deepEqual(one!.values.toArray(), other!.values.toArray());
          }
        });
      });
    }
    for (const cache of caches.flat()) cache.dispose();
    assert.equal(pool.usedBytes, 0);
  });
}

test('sequences that go on from a fork get the logits of those that computed all of it', () => {
  const config = { vocabularySize: 64, contextLength: 120, layers: 2, width: 32, heads: 4, initStd: 0.25 };
  using language = LanguageModel.create(config, { seed: 2 });
  const forward = new PackedForward(language);
  const pool = new KeyValuePool(language);
  const ids = Array.from({ length: 50 }, (_, i) => (i * i + 3) % 64);
  using shared = new KeyValueCache(pool);
  forward.extend([{ cache: shared, ids, logits: 'none' }]);
  for (const length of [10, 32, 50]) {
    using fork = shared.fork(length);
    using alone = new KeyValueCache(language);
    const more = [9, 8, 7];
    const [behind] = forward.extend([{ cache: fork, ids: more, logits: 'all' }]);
    const [whole] = forward.extend([{ cache: alone, ids: [...ids.slice(0, length), ...more], logits: 'all' }]);
    whole!.subarray(length * 64).forEach((value, i) => {
      assert.ok(Math.abs(value - behind![i]!) < 2e-5);
    });
  }
});

test('sequences get the same bits with any number of threads', () => {
  const results = [1, 2, 4].map((threads) => {
    setThreads(threads);
    manualSeed(4);
    const pool = new KeyValuePool(model);
    const caches = Array.from({ length: 5 }, () => new KeyValueCache(pool));
    const out = [0, 1, 2].map(() =>
      scope(() => {
        const counts = [40, 1, 3, 33, 1];
        const rows = 78;
        const heads = { queries: rand([rows, 6, 12]), keys: rand([rows, 2, 12]), values: rand([rows, 2, 12]) };
        const list = caches.map((cache, i) => ({ cache, count: counts[i]!, bothWays: i === 2 }));
        const mixed = Array.from(cachedAttention(list, true).attend(heads, 0).toArray(), Number);
        for (const { cache, count } of list) cache.advance(count);
        return mixed;
      }),
    );
    for (const cache of caches) cache.dispose();
    return out;
  });
  setThreads(1);
  assert.deepEqual(results[1], results[0]);
  assert.deepEqual(results[2], results[0]);
});
