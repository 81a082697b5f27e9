import assert from 'node:assert/strict';
import test from 'node:test';
import { Mixture, type MixtureSource } from './mixture.ts';

/** The definition, walked from the start: always the sample that is due first. */
function walked(sources: readonly MixtureSource[], length: number): { source: number; sample: number }[] {
  const heaviest = Math.max(...sources.map((source) => source.weight));
  const given = sources.map(() => 0);
  return Array.from({ length }, () => {
    let best = -1;
    let bestTime = Number.POSITIVE_INFINITY;
    sources.forEach((source, index) => {
      if (given[index]! >= source.samples) return;
      const time = (given[index]! + 0.5) / (source.weight / heaviest);
      if (time < bestTime) [best, bestTime] = [index, time];
    });
    const sample = given[best]!;
    given[best] = sample + 1;
    return { source: best, sample };
  });
}

const cases: Record<string, MixtureSource[]> = {
  alone: [{ weight: 3, samples: Number.POSITIVE_INFINITY }],
  'equal weights': [
    { weight: 1, samples: Number.POSITIVE_INFINITY },
    { weight: 1, samples: Number.POSITIVE_INFINITY },
    { weight: 1, samples: Number.POSITIVE_INFINITY },
  ],
  'odd weights, one is exhausted': [
    { weight: 0.7, samples: 100 },
    { weight: 0.2, samples: Number.POSITIVE_INFINITY },
    { weight: 0.1, samples: 400 },
  ],
  'all are exhausted': [
    { weight: 5, samples: 3 },
    { weight: 1e-3, samples: 1000 },
    { weight: Math.PI, samples: 997 },
  ],
};

for (const [name, sources] of Object.entries(cases)) {
  test(`a jump to any sample equals the walk: ${name}`, () => {
    const mixture = new Mixture(sources);
    const length = Math.min(2000, mixture.totalSamples);
    const expected = walked(sources, length);
    const jumped = Array.from({ length }, (_, n) => mixture.at(n));
    assert.deepEqual(jumped, expected);
    assert.deepEqual(mixture.at(length >> 1), expected[length >> 1]);
  });
}

test('proportions do not drift', () => {
  const weights = [0.55, 0.3, 0.149, 0.001];
  const mixture = new Mixture(weights.map((weight) => ({ weight, samples: Number.POSITIVE_INFINITY })));
  const counts = weights.map(() => 0);
  for (let n = 0; n < 5000; n++) {
    counts[mixture.at(n).source]!++;
    counts.forEach((count, source) => {
      const share = (n + 1) * weights[source]!;
      assert.ok(Math.abs(count - share) <= weights.length / 2, `${count} of source ${source} after ${n + 1}`);
    });
  }
});

test('far jumps stay exact, the end is an end', () => {
  const mixture = new Mixture([
    { weight: 2, samples: Number.POSITIVE_INFINITY },
    { weight: 1, samples: Number.POSITIVE_INFINITY },
  ]);
  const far = 3 * 10 ** 12;
  const counts = [0, 0];
  for (let n = far; n < far + 300; n++) counts[mixture.at(n).source]!++;
  assert.deepEqual(counts, [200, 100]);
  assert.throws(() => new Mixture([{ weight: 1, samples: 5 }]).at(5), /sample 5 of a mixture of 5/);
});
