import assert from 'node:assert/strict';
import test from 'node:test';
import { extendTokenizer } from './extend.ts';
import { Tokenizer } from './tokenizer.ts';
import { trainBpe } from './train.ts';
import { vocabularyPieces } from './vocabulary-pieces.ts';

/** Sentences of frequent and rare signs, always the same. */
function sentences(count: number, first: number, signs: number): string[] {
  let state = first;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const sign = () => String.fromCodePoint(0x4e00 + first + Math.floor(signs * next() ** 2));
  return Array.from({ length: count }, () => `${Array.from({ length: 12 }, sign).join('')}，${sign()}<eod>。`);
}

const texts = sentences(400, 7, 300);
const many = sentences(1000, 7, 900);

// The larger one has more pairs than are counted in a table of all.
for (const [size, own] of [
  [400, texts],
  [1100, many],
] as const) {
  test(`a vocabulary of ${size} extended on its own texts is the larger vocabulary`, async () => {
    const small = Tokenizer.fromFile(await trainBpe(own, { vocabularySize: size }));
    const large = await trainBpe(own, { vocabularySize: size + 60 });
    assert.deepEqual((await extendTokenizer(small, own, { tokens: 60 })).model, large.model);
  });
}

test('on other texts old ids stay, what was written comes back, and the texts take fewer tokens', async () => {
  const old = Tokenizer.fromFile(await trainBpe(texts, { vocabularySize: 500 }));
  const others = sentences(300, 900, 80);
  const next = Tokenizer.fromFile(await extendTokenizer(old, others, { tokens: 100 }));
  assert.equal(next.vocabularySize, old.vocabularySize + 100);
  const length = (tokenizer: Tokenizer) => others.reduce((sum, one) => sum + tokenizer.encode(one).length, 0);
  assert.ok(length(next) < 0.8 * length(old), `${length(old)} → ${length(next)}`);
  for (const text of [...texts.slice(0, 20), ...others.slice(0, 20), 'plain <eod> text 😀'])
    assert.equal(next.decode(next.encode(text)), text);

  const pieces = vocabularyPieces(old, next);
  for (let id = 0; id < old.vocabularySize; id++) assert.deepEqual(pieces[id], [id]);
  for (let id = old.vocabularySize; id < next.vocabularySize; id++) {
    const spelled = Buffer.concat(pieces[id]!.map((piece) => old.tokenBytes(piece)));
    assert.ok(pieces[id]!.length > 1 && spelled.equals(Buffer.from(next.tokenBytes(id))));
  }
  const back = vocabularyPieces(next, old);
  assert.deepEqual(
    back,
    Array.from({ length: old.vocabularySize }, (_, id) => [id]),
  );
});

test('no more tokens than the texts give', async () => {
  const old = Tokenizer.fromFile(await trainBpe(texts, { vocabularySize: 400 }));
  await assert.rejects(extendTokenizer(old, ['春眠不觉晓'], { tokens: 1000 }), {
    code: 'TOKENIZER_VOCABULARY_TOO_LARGE',
  });
  await assert.rejects(extendTokenizer(old, [], { tokens: 10 }), { code: 'TOKENIZER_EMPTY_CORPUS' });
});
