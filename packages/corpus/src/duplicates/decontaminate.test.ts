import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import type { Draft } from '../document.ts';
import { decontaminate } from './decontaminate.ts';
import { EvaluationIndex } from './evaluation-index.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-decontaminate-'));
after(() => rmSync(folder, { recursive: true }));

function items(name: string, values: unknown[]): string {
  writeFileSync(join(folder, name), values.map((value) => `${JSON.stringify(value)}\n`).join(''));
  return name;
}

const draft = (body: string, title = ''): Draft => ({ id: 'd', source: 's', title, body, meta: {} });

const reviews = items('reviews.jsonl', [
  { id: 1, sentence: '这家店的豆浆又热又香，早上七点就要排队了。' },
  { id: 2, sentence: '太短' },
]);
const puzzles = items('puzzles.jsonl', [
  { target: { text: '老张把雨伞借给了小李，因为他没有带伞出门' }, keyword: ['一二三四五六七八九十甲乙丙丁', '短'] },
]);
const sets = [
  { name: 'reviews', paths: [reviews], fields: ['sentence'] },
  { name: 'puzzles', paths: [puzzles], fields: ['target.text', 'keyword'] },
];
const options = { use: 'decontaminate' as const, sets, ngram: 13, minGrams: 1 };

test('a document that holds 13 characters of an item is dropped, whatever punctuation, spaces and widths', async () => {
  const stage = await decontaminate(options, folder);
  assert.deepEqual(stage(draft('他写道：“豆浆 又热又香……早上\n七点，就要排队！”')), {
    reason: 'reviews',
    detail: 'reviews.jsonl:1 豆浆又热又香早上七点就要排 (2)',
  });
  const clean = draft('他写道：“豆浆又热又香，早上七点就要”回家。');
  assert.equal(stage(clean), clean, 'twelve characters are not thirteen');
  const [first] = [stage(draft('因为他没有带伞出门', '老张把雨伞借给了小李'))];
  assert.equal((first as { reason: string }).reason, 'puzzles', 'title and body are one text');
  assert.equal((stage(draft('０一二三四五六七八九十甲乙丙０')) as { reason: string }).reason, 'puzzles');
  const short = draft('太短');
  assert.equal(stage(short), short);
});

test('minGrams asks for more than one n-gram; the set with most of them is named', async () => {
  const both = '豆浆又热又香早上七点就要排队了。老张把雨伞借给了小李因为他。';
  const index = await EvaluationIndex.load(sets, folder, 13);
  assert.deepEqual(index.find(both), {
    set: 'reviews',
    item: 'reviews.jsonl:1',
    gram: '豆浆又热又香早上七点就要排',
    grams: 3,
  });
  assert.equal(index.find(both, 5), undefined);
  assert.equal(index.find(both, 4)?.set, 'reviews');
});

test('finds exactly the documents that share an n-gram, by comparison with all substrings', async () => {
  const text = (max: number) => fc.string({ unit: fc.constantFrom(...'山水云月风'), minLength: 6, maxLength: max });
  await fc.assert(
    fc.asyncProperty(fc.array(text(40), { minLength: 1, maxLength: 8 }), text(60), async (texts, document) => {
      const name = items('random.jsonl', texts.map((t) => ({ t }))); // biome-ignore format: one item a line
      const index = await EvaluationIndex.load([{ name: 'random', paths: [name], fields: ['t'] }], folder, 6);
      const grams = new Set<string>();
      for (let i = 0; i + 6 <= document.length; i++) {
        const gram = document.slice(i, i + 6);
        if (texts.some((t) => t.includes(gram))) grams.add(gram);
      }
      assert.equal(index.find(document)?.grams ?? 0, grams.size);
    }),
    { numRuns: 60 },
  );
});

test('a set that is missing, malformed or without the field is a clear error', async () => {
  const load = (path: string, field: string) =>
    EvaluationIndex.load([{ name: 'x', paths: [path], fields: [field] }], folder, 13);
  await assert.rejects(load('absent.jsonl', 'a'), { code: 'CORPUS_SOURCE_MISSING' });
  await assert.rejects(load(reviews, 'text'), {
    code: 'CORPUS_SOURCE_FORMAT',
    message: /no text in text \(its fields: id, sentence\).*stage decontaminate/,
  });
  writeFileSync(join(folder, 'broken.jsonl'), '{"a":\n');
  await assert.rejects(load('broken.jsonl', 'a'), { code: 'CORPUS_MALFORMED_LINE', message: /broken\.jsonl:1/ });
});
