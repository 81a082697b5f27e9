/** Beside scipy, krippendorff and numpy, whose numbers tests/golden/study.py wrote; and by judges of known skill. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { seededRandom } from '../random.ts';
import { binomialAtMost, clopperPearson, halfP, powerOf, studentQuantile95, trialsNeeded } from './binomial.ts';
import { nominalAlpha } from './krippendorff.ts';
import { slopeInsideJudges, twoWayBootstrap, weightedMean } from './two-way-bootstrap.ts';

const golden = JSON.parse(readFileSync(new URL('../../../../tests/golden/study.json', import.meta.url), 'utf8')) as {
  readonly binomial: readonly (readonly [number, number, number, number, number, number])[];
  readonly powers: readonly (readonly [number, number, number, number, number])[];
  readonly alphas: readonly (readonly [readonly (readonly (number | null)[])[], number])[];
  readonly students: readonly (readonly [number, number])[];
  readonly crossed: {
    readonly rows: readonly (readonly [number, number, number, number])[];
    readonly slope: number;
    readonly error: number;
  };
};

function near(actual: number, expected: number, tolerance: number, what = ''): void {
  const distance = Math.abs(actual - expected);
  assert.ok(
    distance <= tolerance * Math.max(Math.abs(expected), 1e-12),
    `${what} ${actual} is not ${expected} within ${tolerance}`,
  );
}

test('Clopper-Pearson intervals and exact tests are those of scipy, from one judgement to 300 000', () => {
  for (const [successes, trials, low, high, p, below] of golden.binomial) {
    const what = `${successes} of ${trials}`;
    const interval = clopperPearson(successes, trials);
    near(interval.low, low, 1e-8, what);
    near(interval.high, high, 1e-8, what);
    if (p > 1e-290) near(halfP(successes, trials), p, 1e-7, what);
    if (below > 1e-290) near(binomialAtMost(successes, trials, 0.55), below, 1e-7, what);
  }
});

test('the judgements needed, and the power that they have, are those of scipy', () => {
  for (const [limit, truth, power, needed, reached] of golden.powers) {
    assert.equal(trialsNeeded({ limit, truth, power }), needed);
    near(powerOf(needed, { limit, truth }), reached, 1e-9);
  }
});

test("the quantiles of Student's t are those of scipy", () => {
  for (const [freedom, quantile] of golden.students) near(studentQuantile95(freedom), quantile, 1e-9);
});

test("Krippendorff's alpha is that of the package krippendorff, with and without missing judgements", () => {
  for (const [table, alpha] of golden.alphas) {
    const units = table[0]!.map((_, unit) =>
      table.flatMap((judge) => (judge[unit] === null ? [] : [String(judge[unit])])),
    );
    near(nominalAlpha(units)!, alpha, 1e-9);
  }
  assert.equal(nominalAlpha([['a', 'a'], ['a']]), undefined);
  assert.equal(nominalAlpha([['a'], []]), undefined);
});

const { rows, slope, error } = golden.crossed;
const crossed = rows.map(([judge, text]) => ({ judge: String(judge), text: String(text) }));
const right = rows.map((row) => row[3]);
const places = rows.map((row) => row[2]);

test('the slope inside judges is that of least squares with an intercept for each judge', () => {
  const once = new Float64Array(rows.length).fill(1);
  near(slopeInsideJudges(crossed, places, right)(once), slope, 1e-9);
});

test('the error over judges and texts is that of the formula of two-way clusters, and larger than that of single judgements', () => {
  const [found] = twoWayBootstrap(crossed, [weightedMean(right)], { resamples: 2_000, seed: 3 });
  near(found!.error, error, 0.06);
  assert.ok(
    Math.abs(found!.high - found!.low - 2 * studentQuantile95(13) * found!.error) < 0.1 * found!.error,
    JSON.stringify(found),
  );
  const share = found!.value;
  assert.ok(found!.error > 1.2 * Math.sqrt((share * (1 - share)) / rows.length));
  assert.deepEqual(
    twoWayBootstrap(crossed, [weightedMean(right)], { resamples: 50, seed: 3 }),
    twoWayBootstrap(crossed, [weightedMean(right)], { resamples: 50, seed: 3 }),
  );
});

/** Judges of a known mean skill who judge texts, some of them easier than others. */
function simulate(random: () => number, skill: number, spread: number, judges: number, texts: number, each: number) {
  const off = () => spread * (2 * random() - 1);
  const ofText = Array.from({ length: texts }, off);
  const judged: { judge: string; text: string; right: number }[] = [];
  for (let judge = 0; judge < judges; judge++) {
    const [ofJudge, first] = [off(), Math.floor(random() * texts)];
    for (let i = 0; i < each; i++) {
      const text = (first + i) % texts;
      const isRight = random() < skill + ofJudge + ofText[text]!;
      judged.push({ judge: String(judge), text: String(text), right: isRight ? 1 : 0 });
    }
  }
  return judged;
}

function coverage(studies: number, covers: () => boolean): number {
  let covered = 0;
  for (let i = 0; i < studies; i++) if (covers()) covered++;
  return covered / studies;
}

test('with judges of known skill the exact interval covers the truth in at least 95 of 100 studies', () => {
  const random = seededRandom(11);
  for (const skill of [0.5, 0.55, 0.9]) {
    const share = coverage(600, () => {
      const judged = simulate(random, skill, 0, 8, 20, 10);
      const { low, high } = clopperPearson(
        judged.reduce((sum, one) => sum + one.right, 0),
        judged.length,
      );
      return low <= skill && skill <= high;
    });
    // Three standard errors of 600 studies below what is stated.
    assert.ok(share >= 0.95 - 3 * Math.sqrt((0.95 * 0.05) / 600), `${skill}: ${share}`);
  }
});

test('where judges and texts differ the interval over both still covers the truth, and the exact one does not', () => {
  const random = seededRandom(5);
  const [studies, skill] = [120, 0.55];
  let exact = 0;
  const share = coverage(studies, () => {
    const judged = simulate(random, skill, 0.25, 20, 40, 20);
    const values = judged.map((one) => one.right);
    const successes = values.reduce((sum, value) => sum + value, 0);
    const single = clopperPearson(successes, judged.length);
    if (single.low <= skill && skill <= single.high) exact++;
    const { low, high } = twoWayBootstrap(judged, [weightedMean(values)], { resamples: 200 })[0]!;
    return low <= skill && skill <= high;
  });
  assert.ok(Math.abs(share - 0.95) <= 3 * Math.sqrt((0.95 * 0.05) / studies), `${share}`);
  assert.ok(exact / studies < 0.85, `${exact / studies}`);
});

test('where judges and texts are all alike the interval over both is hardly wider than the exact one', () => {
  const random = seededRandom(8);
  const [studies, skill] = [100, 0.5];
  let [both, single] = [0, 0];
  const share = coverage(studies, () => {
    const judged = simulate(random, skill, 0, 20, 40, 20);
    const values = judged.map((one) => one.right);
    const exact = clopperPearson(
      values.reduce((sum, value) => sum + value, 0),
      judged.length,
    );
    const { low, high } = twoWayBootstrap(judged, [weightedMean(values)], { resamples: 200 })[0]!;
    both += high - low;
    single += exact.high - exact.low;
    return low <= skill && skill <= high;
  });
  assert.ok(share >= 0.95 - 3 * Math.sqrt((0.95 * 0.05) / studies), `${share}`);
  assert.ok(both / single < 1.3, `${both / single}`);
});
