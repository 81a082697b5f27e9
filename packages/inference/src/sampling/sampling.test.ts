import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { uniformAt } from './random.ts';
import { argmax, type DrawOptions, drawToken } from './sampling.ts';

const OPEN: DrawOptions = { temperature: 1, topK: 0, topP: 1, minP: 0, typicalP: 1 };
const logitsOf = (...probabilities: number[]) => Float32Array.from(probabilities, Math.log);

/** The ids that can come out, by sweeping the uniform number. */
function reachable(logits: Float32Array, options: Partial<DrawOptions>): number[] {
  const ids = new Set<number>();
  for (let u = 0; u < 1; u += 1 / 512) ids.add(drawToken(logits, { ...OPEN, ...options }, u));
  ids.add(drawToken(logits, { ...OPEN, ...options }, 1 - 2 ** -53));
  return [...ids].sort((a, b) => a - b);
}

test('temperature 0 is the greatest logit, the lowest id among equals', () => {
  assert.equal(drawToken(Float32Array.of(1, 3, 3, 2), { ...OPEN, temperature: 0 }, 0.99), 1);
  assert.equal(argmax(Float32Array.of(Number.NEGATIVE_INFINITY, -5)), 1);
});

test('the uniform number is put through the inverse cumulative distribution in the order of ids', () => {
  const logits = logitsOf(0.1, 0.2, 0.3, 0.4);
  const draws = [0, 0.0999, 0.1001, 0.2999, 0.3001, 0.5999, 0.6001, 0.9999].map((u) => drawToken(logits, OPEN, u));
  assert.deepEqual(draws, [0, 0, 1, 1, 2, 2, 3, 3]);
});

test('temperature sharpens: at 0.5 the odds are squared', () => {
  const logits = logitsOf(0.25, 0.75); // odds 1 : 3 become 1 : 9
  assert.equal(drawToken(logits, { ...OPEN, temperature: 0.5 }, 0.0999), 0);
  assert.equal(drawToken(logits, { ...OPEN, temperature: 0.5 }, 0.1001), 1);
});

test('top-k keeps the k likeliest, lower ids first among equals', () => {
  assert.deepEqual(reachable(logitsOf(0.1, 0.4, 0.2, 0.3), { topK: 2 }), [1, 3]);
  assert.deepEqual(reachable(logitsOf(0.25, 0.25, 0.25, 0.25), { topK: 3 }), [0, 1, 2]);
  assert.deepEqual(reachable(logitsOf(0.1, 0.4, 0.2, 0.3), { topK: 1 }), [1]);
  assert.deepEqual(reachable(logitsOf(0.5, 0.5), { topK: 9 }), [0, 1]);
});

test('min-p keeps what is likely enough beside the likeliest', () => {
  const logits = logitsOf(0.1, 0.4, 0.2, 0.3);
  assert.deepEqual(reachable(logits, { minP: 0 }), [0, 1, 2, 3]);
  assert.deepEqual(reachable(logits, { minP: 0.49 }), [1, 2, 3]);
  assert.deepEqual(reachable(logits, { minP: 0.51 }), [1, 3]);
  assert.deepEqual(reachable(logits, { minP: 1 }), [1]);
  assert.deepEqual(reachable(logits, { minP: 0.51, topP: 0.5 }), [1], 'top-p is of what min-p leaves');
});

test('top-p keeps the smallest set that reaches the mass', () => {
  const logits = logitsOf(0.1, 0.4, 0.2, 0.3);
  assert.deepEqual(reachable(logits, { topP: 0.39 }), [1]);
  assert.deepEqual(reachable(logits, { topP: 0.41 }), [1, 3]);
  assert.deepEqual(reachable(logits, { topP: 0.71 }), [1, 2, 3]);
  assert.deepEqual(reachable(logits, { topP: 0 }), [0, 1, 2, 3], 'off in the API of Yuan');
  assert.deepEqual(reachable(logitsOf(0.25, 0.25, 0.25, 0.25), { topP: 0.6 }), [0, 1, 2]);
});

test('top-p is taken of what top-k left', () => {
  // after top-k 2: 4/7 and 3/7
  assert.deepEqual(reachable(logitsOf(0.1, 0.4, 0.2, 0.3), { topK: 2, topP: 0.57 }), [1]);
  assert.deepEqual(reachable(logitsOf(0.1, 0.4, 0.2, 0.3), { topK: 2, topP: 0.58 }), [1, 3]);
});

test('a forbidden token never comes, even at the edge of the interval', () => {
  const logits = Float32Array.of(Number.NEGATIVE_INFINITY, 0, Number.NEGATIVE_INFINITY);
  assert.deepEqual(reachable(logits, {}), [1]);
});

test('a broken model is reported, not sampled', () => {
  assert.throws(() => drawToken(Float32Array.of(0, Number.NaN), OPEN, 0.5), /NaN as the logit of token 1/);
  assert.throws(() => drawToken(Float32Array.of(0, Number.POSITIVE_INFINITY), OPEN, 0.5), /infinite logit/);
  assert.throws(() => drawToken(Float32Array.of(Number.NEGATIVE_INFINITY), OPEN, 0.5), /every logit is -Infinity/);
});

test('frequencies over many draws are the probabilities (chi-square)', () => {
  const probabilities = [0.05, 0.15, 0.3, 0.5];
  const logits = logitsOf(...probabilities);
  const draws = 20_000;
  const counts = new Array<number>(4).fill(0);
  for (let step = 0; step < draws; step++) counts[drawToken(logits, OPEN, uniformAt(11, 0, step))]!++;
  const chiSquare = counts.reduce(
    (sum, n, id) => sum + (n - draws * probabilities[id]!) ** 2 / (draws * probabilities[id]!),
    0,
  );
  assert.ok(chiSquare < 16.3, `chi-square ${chiSquare} of 3 degrees passes 0.999`);
});

/** Top-k and top-p by sorting, as a textbook writes them. */
function keptBySorting(logits: Float32Array, options: DrawOptions): Set<number> {
  const greatest = Math.max(...logits);
  let ranked = [...logits.keys()].map((id) => ({
    id,
    weight: Math.exp((logits[id]! - greatest) / options.temperature),
  }));
  ranked = ranked.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight || a.id - b.id);
  if (options.topK > 0) ranked = ranked.slice(0, options.topK);
  if (options.topP < 1) {
    const needed = options.topP * ranked.reduce((sum, { weight }) => sum + weight, 0);
    let length = 0;
    for (let sum = 0; sum < needed || length === 0; length++) sum += ranked[length]!.weight;
    ranked = ranked.slice(0, length);
  }
  return new Set(ranked.map(({ id }) => id));
}

test('property: partial selection keeps what sorting keeps, and the draw is one of it', () => {
  // Multiples of ln 2 give weights near powers of two: ties are frequent, and no share in use is near a border.
  const exact = fc.array(
    fc.integer({ min: -8, max: 0 }).map((e) => Math.fround(e * Math.LN2)),
    { minLength: 1, maxLength: 60 },
  );
  fc.assert(
    fc.property(
      exact,
      fc.integer({ min: 0, max: 12 }),
      fc.integer({ min: 1, max: 16 }).map((i) => i / 16 - Math.E / 3000),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (values, topK, share, uniform) => {
        const logits = Float32Array.from(values);
        const options = { ...OPEN, topK, topP: share };
        const kept = keptBySorting(logits, options);
        assert.ok(kept.has(drawToken(logits, options, uniform)));
        if (topK !== 1) assert.deepEqual(new Set(sweep(logits, options)), kept);
      },
    ),
  );
});

/** All ids that come out when the uniform number passes slowly over [0, 1). */
function* sweep(logits: Float32Array, options: DrawOptions): Generator<number> {
  for (let i = 0; i < 20_000; i++) yield drawToken(logits, options, (i + 0.5) / 20_000);
}

test('the filters keep what those of transformers keep, chained in the same order', () => {
  const file = new URL('../../../../tests/golden/sampling.json', import.meta.url);
  const golden: {
    rows: number[][];
    cases: [
      row: number,
      temperature: number,
      minP: number,
      topK: number,
      typicalP: number,
      topP: number,
      kept: number[],
    ][];
  } = JSON.parse(readFileSync(file, 'utf8'));
  for (const [row, temperature, minP, topK, typicalP, topP, kept] of golden.cases) {
    const logits = Float32Array.from(golden.rows[row]!);
    const options = { temperature, minP, topK, typicalP, topP };
    const weights = Array.from(logits, (logit) => Math.exp(logit / temperature));
    const mass = kept.reduce((sum, id) => sum + weights[id]!, 0);
    // The middle of each token's own stretch of [0, 1) draws it, and nothing lies outside of the stretches.
    let begin = 0;
    for (const id of kept) {
      const middle = (begin + weights[id]! / 2) / mass;
      const isWide = weights[id]! > 1e-9 * mass;
      if (isWide) assert.equal(drawToken(logits, options, middle), id, JSON.stringify(options));
      begin += weights[id]!;
    }
  }
});

test('typical sampling leaves the likeliest out where the distribution is flat beside it', () => {
  // Surprise 0.51 for the likeliest, 2.3 for the others, entropy 1.23: the likeliest is nearer; with 0.3 it is not.
  assert.deepEqual(reachable(logitsOf(0.3, 0.14, 0.14, 0.14, 0.14, 0.14), { typicalP: 0.5 }), [1, 2, 3, 4]);
  assert.deepEqual(
    reachable(logitsOf(0.25, 0.25, 0.25, 0.25), { typicalP: 0.6 }),
    [0, 1, 2],
    'equals: lower ids first',
  );
  assert.deepEqual(reachable(logitsOf(0.6, 0.4), { typicalP: 0 }), [0, 1], '0 is off');
});
