import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bitsPerCharacter, characterBits } from './bits-per-character.ts';

const encode = (text: string) => new TextEncoder().encode(text);

test('newlines and the end count, Chinese characters also apart', () => {
  const result = bitsPerCharacter(() => [1, 2, 4, 8, 16], ['山\n𠮷。', '〇a々，']);
  assert.deepEqual(result, {
    bitsPerCharacter: 62 / 10,
    characters: 10,
    chineseBitsPerCharacter: (1 + 4 + 1 + 4) / 4,
    chineseCharacters: 4,
  });
});

test('an empty document costs its end', () => {
  const result = bitsPerCharacter(() => [3], ['']);
  assert.equal(result.bitsPerCharacter, 3);
  assert.equal(result.characters, 1);
  assert.equal(result.chineseBitsPerCharacter, undefined);
});

test('a score of the wrong length is refused', () => {
  assert.throws(() => bitsPerCharacter(() => [1, 2], ['山水']), /2 costs for 2 characters and the end/);
});

test('token losses go to characters: words shared, fragments added up, mixed tokens split', () => {
  const snow = encode('雪');
  const tokens = [encode('江山'), snow.subarray(0, 2), snow.subarray(2), encode('月，\n')];
  const bits = characterBits(
    '江山雪月，\n',
    tokens,
    [2, 3, 5, 6, 7].map((bits) => bits * Math.LN2),
  );
  assert.deepEqual(
    Array.from(bits, (value) => Math.round(value * 1e9) / 1e9),
    [1, 1, 8, 2, 2, 2, 7],
  );
});

test('a token that ends inside a character touches it', () => {
  const bytes = encode('山雪');
  const bits = characterBits('山雪', [bytes.subarray(0, 4), bytes.subarray(4)], [4 * Math.LN2, Math.LN2, 0]);
  assert.deepEqual(Array.from(bits), [2, 3, 0]);
});

test('the bits of the characters sum to those of the tokens, however the text is cut', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
      fc.array(fc.nat(80), { maxLength: 10 }),
      (document, cuts) => {
        const bytes = encode(document);
        const edges = [...new Set([0, ...cuts.filter((cut) => cut < bytes.length), bytes.length])].sort(
          (a, b) => a - b,
        );
        const tokens = edges.slice(1).map((edge, i) => bytes.subarray(edges[i]!, edge));
        const nats = Array.from({ length: tokens.length + 1 }, (_, i) => 0.5 + (i % 5));
        const bits = characterBits(document, tokens, nats);
        assert.equal(bits.length, Array.from(document).length + 1);
        const total = nats.reduce((sum, loss) => sum + loss, 0) / Math.LN2;
        assert.ok(Math.abs(bits.reduce((sum, value) => sum + value, 0) - total) < 1e-9);
      },
    ),
  );
});

test('tokens of another text are refused', () => {
  assert.throws(() => characterBits('山水', [encode('山月')], [1, 1]), /token 0 is not what the document has/);
  assert.throws(() => characterBits('山水', [encode('山')], [1, 1]), /cover 3 of 6 bytes/);
  assert.throws(() => characterBits('山水', [encode('山水')], [1]), /1 losses for 1 tokens/);
});
