import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SeenTexts } from './seen-texts.ts';

const original = '操字孟德，小字阿瞒，沛国谯县人，汉相国参之后。桓帝世，曹腾为中常侍大长秋，封费亭侯。';

test('a text that stands in another under other punctuation and widths is seen, whole or in part', () => {
  const half = original.slice(0, 25);
  const seen = new SeenTexts([original, half, '与此无关的另一段话，说的是今天早上的天气和路上的行人。', '太短']);
  assert.deepEqual(seen.shares(), [0, 0, 0, 0]);
  seen.read('太短');
  seen.read(`原文：${half.replaceAll('，', '\n')}１２３。译文另起。`);
  const [whole, part, other, short] = seen.shares();
  assert.equal(part, 1);
  assert.ok(whole! > 0.2 && whole! < 0.6, String(whole));
  assert.deepEqual([other, short], [0, 0]);
  seen.read(original);
  assert.deepEqual(seen.shares(), [1, 1, 0, 0]);
});

test('the shares are those of sets of 13-grams', () => {
  const letters = fc.string({ unit: fc.constantFrom('甲', '乙'), maxLength: 40 });
  const grams = (text: string) =>
    Array.from({ length: Math.max(0, text.length - 12) }, (_, i) => text.slice(i, i + 13));
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 4 }), fc.array(letters, { maxLength: 4 }), (texts, others) => {
      const seen = new SeenTexts(texts);
      for (const other of others) seen.read(other);
      const known = new Set(others.flatMap(grams));
      const shares = texts.map((text) => {
        const all = grams(text);
        return all.length === 0 ? 0 : all.filter((gram) => known.has(gram)).length / all.length;
      });
      assert.deepEqual(seen.shares(), shares);
    }),
  );
});
