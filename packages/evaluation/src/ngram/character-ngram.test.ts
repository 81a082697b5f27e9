import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { trainCharacterNgram } from './character-ngram.ts';

interface Golden {
  training: string[];
  evaluated: string[];
  models: { order: number; alphabetSize: number; discounts: number[][]; bits: number[][] }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../../../../tests/golden/ngram.json', import.meta.url), 'utf8'),
) as Golden;

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance, `${i}: ${actual[i]} is not ${expected[i]}`);
  }
}

for (const { order, alphabetSize, discounts, bits } of golden.models) {
  test(`order ${order} equals the independent reference`, () => {
    const model = trainCharacterNgram(golden.training, { order, evaluated: golden.evaluated });
    assert.equal(model.alphabet.size, alphabetSize);
    for (const [i, expected] of discounts.entries()) assertClose(model.discounts[i]!, expected, 1e-12);
    for (const [i, document] of golden.evaluated.entries()) assertClose(model.score(document), bits[i]!, 1e-10);
  });
}

/** Few characters, so that contexts repeat; one outside the basic plane, newlines, and one that may stay unseen. */
const documentArbitrary = fc
  .array(fc.constantFrom('山', '水', '月', '，', '\n', '𠮷', '雪'), { maxLength: 12 })
  .map((characters) => characters.join(''));

test('in every context, seen or not, the probabilities sum to one and none is zero', () => {
  fc.assert(
    fc.property(
      fc.array(documentArbitrary, { minLength: 1, maxLength: 20 }),
      documentArbitrary,
      fc.integer({ min: 1, max: 6 }),
      (documents, beginning, order) => {
        const model = trainCharacterNgram(documents, { order, evaluated: [beginning, '舟'] });
        const probabilities = [...model.distribution(beginning).values()];
        assert.equal(probabilities.length, model.alphabet.size);
        assert.ok(probabilities.every((probability) => probability > 0));
        assert.ok(Math.abs(probabilities.reduce((sum, p) => sum + p, 0) - 1) < 1e-9);
      },
    ),
    { numRuns: 300 },
  );
});

test('the sum holds with contexts wide enough to be remembered, asked twice', () => {
  const documents = Array.from(
    { length: 400 },
    (_, i) => `山${String.fromCodePoint(0x4e00 + ((i * i) % 331))}水${i % 7}`,
  );
  const model = trainCharacterNgram(documents, { order: 3, evaluated: [] });
  for (const beginning of ['', '山', '山', '山一', '水山', '水山']) {
    const sum = [...model.distribution(beginning).values()].reduce((total, p) => total + p, 0);
    assert.ok(Math.abs(sum - 1) < 1e-9, `${beginning}: ${sum}`);
  }
});

test('a document scores what the distributions along it say', () => {
  const model = trainCharacterNgram(golden.training, { order: 4, evaluated: golden.evaluated });
  const document = Array.from(golden.evaluated[0]!);
  const expected = [...document, ''].map((character, i) => {
    return -Math.log2(model.distribution(document.slice(0, i).join('')).get(character)!);
  });
  assertClose(model.score(document.join('')), expected, 1e-12);
});

test('the unigram model is the relative frequency, less its discounts', () => {
  const model = trainCharacterNgram(['山山山山水', '水月'], { order: 1, evaluated: ['雪'] });
  const distribution = model.distribution('');
  const [one, two, more] = model.discounts[0]!;
  const uniform = (one + 2 * two + more) / 9 / 5; // counts: 山 4, 水 2, 月 1, end 2; alphabet of five
  assert.ok(Math.abs(distribution.get('山')! - ((4 - more) / 9 + uniform)) < 1e-12);
  assert.ok(Math.abs(distribution.get('')! - ((2 - two) / 9 + uniform)) < 1e-12);
  assert.ok(Math.abs(distribution.get('雪')! - uniform) < 1e-12);
});

test('discounts come from counts of counts, of what can be predicted only', () => {
  const model = trainCharacterNgram(['山水水月月月海海海海', ''], { order: 1 });
  // Counted once: 山; twice: 水 and the end, but not the beginning; three times: 月; four times: 海.
  assertClose(model.discounts[0]!, [1 - 2 * 0.2 * 2, 2 - (3 * 0.2) / 2, 3 - 4 * 0.2], 1e-12);
});

test('the order of the training documents does not matter', () => {
  const forward = trainCharacterNgram(golden.training, { order: 5, evaluated: golden.evaluated });
  const backward = trainCharacterNgram(golden.training.toReversed(), { order: 5, evaluated: golden.evaluated });
  for (const document of golden.evaluated) assertClose(backward.score(document), forward.score(document), 1e-12);
});

test('text longer than the first buffer is kept whole', () => {
  const long = '春江潮水连海平，'.repeat(9_000);
  const model = trainCharacterNgram(['山', long, long], { order: 2, evaluated: [] });
  // Two bigrams that begin, eight inside, and two that end; after a comma the text ends twice in 18 000 times.
  assert.deepEqual(model.types, [10, 12]);
  const end = model.distribution('平，').get('')!;
  assert.ok(end > 1 / 18_000 && end < 2 / 18_000, String(end));
});

test('what cannot be trained or scored says so', () => {
  assert.throws(() => trainCharacterNgram([], { order: 5 }), { code: 'EVALUATION_EMPTY_TEXT' });
  for (const order of [0, 2.5, Number.NaN, 17]) {
    assert.throws(() => trainCharacterNgram(['山'], { order }), { code: 'EVALUATION_BAD_ORDER' });
  }
  const model = trainCharacterNgram(['山'], { order: 2 });
  assert.throws(() => model.score('雪'), { code: 'EVALUATION_UNKNOWN_CHARACTER', message: /U\+96EA/ });
});
