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
const options = { use: 'decontaminate' as const, sets, ngram: 13, minGrams: 1, minShare: 0 };

test('a document that holds 13 characters of an item is dropped, whatever punctuation, spaces and widths', async () => {
  const stage = await decontaminate(options, folder);
  assert.deepEqual(stage(draft('他写道：“豆浆 又热又香……早上\n七点，就要排队！”')), {
    reason: 'reviews',
    detail: 'reviews.jsonl:1 豆浆又热又香早上七点就要排 (2/7)',
  });
  const clean = draft('他写道：“豆浆又热又香，早上七点就要”回家。');
  assert.equal(stage(clean), clean, 'twelve characters are not thirteen');
  const [first] = [stage(draft('因为他没有带伞出门', '老张把雨伞借给了小李'))];
  assert.equal((first as { reason: string }).reason, 'puzzles', 'title and body are one text');
  assert.equal((stage(draft('０一二三四五六七八九十甲乙丙０')) as { reason: string }).reason, 'puzzles');
  const short = draft('太短');
  assert.equal(stage(short), short);
});

test('minGrams asks for more than one n-gram of an item; the item with most of them is named', async () => {
  const both = '豆浆又热又香早上七点就要排队了。老张把雨伞借给了小李因为他。';
  const index = await EvaluationIndex.load(sets, folder, 13);
  const most = { set: 'reviews', item: 'reviews.jsonl:1', gram: '豆浆又热又香早上七点就要排', grams: 3, of: 7 };
  assert.deepEqual(index.find(both, { minGrams: 1, minShare: 0 }), most);
  assert.equal(index.find(both, { minGrams: 3, minShare: 0 })?.set, 'reviews');
  assert.equal(index.find(both, { minGrams: 4, minShare: 0 }), undefined);
});

test('a stem, a line of a poem and a form of words are no copies of an item; half of it is', async () => {
  const forms = Array.from(
    { length: 6 },
    (_, n) => `请阅读下面这段材料然后回答后面的问题：${'甲乙丙丁戊己庚'.slice(n)}是什么？`,
  );
  const exam = items('exam.jsonl', [
    { q: '下列关于电子邮件的各种说法当中，正确的是哪一项？' },
    { q: '下面这首诗写了什么季节：春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。请说明理由，并写出诗人的心情。' },
    ...forms.map((q) => ({ q })),
  ]);
  const set = [{ name: 'exam', paths: [exam], fields: ['q'] }];
  const stage = await decontaminate({ use: 'decontaminate', sets: set, ngram: 13, minGrams: 1, minShare: 0.5 }, folder);
  const passes = (body: string) => !('reason' in stage(draft(body)));
  assert.ok(passes('下列关于电子邮件的各种说法当中，我觉得最有趣的是它的来历。'));
  assert.ok(passes('孟浩然写道：“春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。”人人会背。'));
  assert.ok(passes('请阅读下面这段材料然后回答后面的问题：今天吃什么？'));
  assert.ok(!passes('考题：下列关于电子邮件的各种说法当中，正确的是哪一项？答案是乙。'));
  assert.ok(!passes('写了什么季节：春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。请说明理由'));
});

test('finds exactly the documents that share an n-gram, by comparison with all substrings', async () => {
  const text = (max: number) => fc.string({ unit: fc.constantFrom(...'山水云月风'), minLength: 6, maxLength: max });
  await fc.assert(
    fc.asyncProperty(fc.array(text(40), { minLength: 1, maxLength: 8 }), text(60), async (texts, document) => {
      const name = items('random.jsonl', texts.map((t) => ({ t }))); // biome-ignore format: one item a line
      const index = await EvaluationIndex.load([{ name: 'random', paths: [name], fields: ['t'] }], folder, 6);
      const gramsOf = (t: string) => new Set(Array.from({ length: t.length - 5 }, (_, i) => t.slice(i, i + 6)));
      const all = [...new Set(texts)].map(gramsOf);
      const isCommon = (gram: string) => all.filter((one) => one.has(gram)).length >= 5;
      const shared = all.map((one) => [...gramsOf(document)].filter((gram) => one.has(gram) && !isCommon(gram)).length);
      assert.equal(index.find(document, { minGrams: 1, minShare: 0 })?.grams ?? 0, Math.max(...shared));
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
