import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WordFinder } from './word-finder.ts';

const find = (words: string[], text: string) =>
  new WordFinder(words.map((word) => [word, word])).find(text).map(({ begin, end, value }) => [begin, end, value]);

test('the longest word at a place wins, words do not overlap, ASCII words are whole, case does not count', () => {
  assert.deepEqual(find(['甲乙', '甲乙丙', '丙丁'], '甲乙丙丁'), [[0, 3, '甲乙丙']]);
  assert.deepEqual(find(['App', '网'], 'APP上网，happy apple'), [
    [0, 3, 'App'],
    [4, 5, '网'],
  ]);
  assert.deepEqual(find(['甲'], 'İ甲'), [[1, 2, '甲']]);
  assert.deepEqual(find(['', '甲'], ''), []);
});

test('it finds what trying every word at every place finds', () => {
  const units = fc.constantFrom(...'甲乙丙aB1 ');
  const word = fc.string({ unit: units, minLength: 1, maxLength: 4 });
  const isWord = (unit: string | undefined) => unit !== undefined && /[a-z0-9]/.test(unit);
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1, maxLength: 8 }),
      fc.string({ unit: units, maxLength: 60 }),
      (words, text) => {
        const lower = text.toLowerCase();
        const expected: [number, number, string][] = [];
        const byLength = words.toSorted((a, b) => b.length - a.length);
        for (let at = 0; at < text.length; ) {
          const fits = byLength.find((each) => {
            const end = at + each.length;
            if (!lower.startsWith(each.toLowerCase(), at)) return false;
            if (isWord(lower[at]) && isWord(lower[at - 1])) return false;
            return !(isWord(lower[end - 1]) && isWord(lower[end]));
          });
          if (fits !== undefined) expected.push([at, at + fits.length, fits.toLowerCase()]);
          at += fits?.length ?? 1;
        }
        const found = find(words, text).map(([begin, end, value]) => [begin, end, (value as string).toLowerCase()]);
        assert.deepEqual(found, expected);
      },
    ),
    { numRuns: 2000 },
  );
});
