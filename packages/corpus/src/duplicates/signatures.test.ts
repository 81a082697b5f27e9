import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import type { Document } from '../document.ts';
import { recipeOf } from '../testing/recipe-of.ts';
import { RecordIndex } from './record-index.ts';
import { repeatedLines } from './repeated-lines.ts';
import { contentDigest, contentUnits, mix, shingles } from './shingles.ts';
import { readColumn, readColumns, SignatureWriter } from './signature-file.ts';
import { Signatures, Signer } from './signatures.ts';
import { LineSet, siteOf, withoutLines } from './site-lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-signatures-'));
after(() => rmSync(folder, { recursive: true }));

const recipe = recipeOf([
  { use: 'near-duplicates', ngram: 5, bands: 3, rows: 2, similarity: 0.7 },
  { use: 'repeated-lines', minDocuments: 3, minShare: 0.2, minLeft: 4 },
]);

function page(url: string | undefined, text: string, quality?: string): Document {
  const meta = { ...(url === undefined ? {} : { url }), ...(quality === undefined ? {} : { quality }) };
  return { id: text.slice(0, 5), text, source: 'made-up', meta };
}

/** Signs documents as units of the given sizes. */
function sign(documents: Document[], sizes: number[], name: string): Signatures {
  const units = sizes.map((size, index) => ({ index: 10_000 * name.length + index, documents: size }));
  let at = 0;
  for (const { index, documents: size } of units) {
    using signer = new Signer(recipe, folder, index);
    for (const document of documents.slice(at, at + size)) signer.add(document, document.text);
    signer.finish();
    at += size;
  }
  return new Signatures(recipe, folder, units);
}

test('columns come back as they were written, over blocks and files', () => {
  const sizes = [0, 5000, 1, 4096, 0, 8193];
  const value = (row: number, column: number) => mix(row * 3 + column);
  let row = 0;
  const files = sizes.map((rows, i) => {
    const path = join(folder, `columns-${i}`);
    using writer = new SignatureWriter(path, 3);
    for (let k = 0; k < rows; k++, row++) writer.write(Uint32Array.from([0, 1, 2], (c) => value(row, c)));
    writer.finish();
    return { path, rows };
  });
  for (const column of [0, 1, 2]) {
    const all = readColumn(files, 3, column);
    assert.equal(all.length, row);
    assert.ok(all.every((v, i) => v === value(i, column)));
  }
  for (const { row: first, pieces } of readColumns(files, 3, 1, 2)) {
    for (const [c, piece] of pieces.entries()) assert.ok(piece.every((v, i) => v === value(first + i, 1 + c)));
  }
});

test('records are found by number: file, offset and length', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 200 }), { maxLength: 6 }), (files) => {
      const index = new RecordIndex(
        files.map((lengths) => lengths.length),
        Uint32Array.from(files.flat()),
      );
      let record = 0;
      for (const [unit, lengths] of files.entries()) {
        let offset = 0;
        for (const length of lengths) {
          assert.deepEqual(index.locate(record++), { unit, offset, length });
          offset += length;
        }
      }
    }),
  );
});

test('signatures: digest, shingle set, length and quality of each document through units of any size', () => {
  const texts = Array.from({ length: 30 }, (_, i) => `第${i}篇，${'山水云月'.repeat((i % 5) + 1)}${i * i}。`);
  const documents = texts.map((text, i) => page(undefined, text, i % 3 === 0 ? `0.${i}` : undefined));
  using signatures = sign(documents, [7, 0, 22, 1], 'a');
  const digests = signatures.digests();
  for (const [i, text] of texts.entries()) {
    const units = contentUnits(text);
    assert.deepEqual(digests.slice(4 * i, 4 * i + 4), contentDigest(units));
    assert.deepEqual(signatures.shingles(i), shingles(units, 5));
    assert.equal(signatures.setSize(i), shingles(units, 5).length);
    assert.equal(signatures.column('content')[i], units.length);
    assert.equal(signatures.column('quality')[i], i % 3 === 0 ? Math.round(Number(`0.${i}`) * 1e6) : 0);
  }
});

test('the site of a document: host without www, else the source', () => {
  assert.equal(siteOf(page('https://www.Example.org:8080/a', 'x')), 'example.org');
  assert.equal(siteOf(page('http://news.example.org/b', 'x')), 'news.example.org');
  assert.equal(siteOf(page('not an address', 'x')), 'made-up');
  assert.equal(siteOf(page(undefined, 'x')), 'made-up');
});

test('repeated lines of a site go, whatever their digits, and for any memory; those of another site stay', () => {
  const article = (i: number) => `这是第${'一二三四五六七八九十'[i]}篇文章的正文，各不相同。`;
  const site = Array.from({ length: 10 }, (_, i) =>
    page(`https://a.example/${i}`, `${article(i)}\n\n阅读 ${100 + i} 次 · 责任编辑\n责任编辑阅读`),
  );
  site[3]!.text = '阅读 9 次 责任编辑\n责任编辑阅读！';
  site[4]!.text = '责任编辑阅读\n短文\n责任编辑阅读';
  const elsewhere = Array.from({ length: 20 }, (_, i) =>
    page(
      'https://b.example/',
      i < 3 ? '责任编辑阅读\n另一站' : `另一站的文章${'甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉'[i]}`,
    ),
  );
  const documents = [...site, ...elsewhere];
  const stage = recipe.stages[1] as Extract<(typeof recipe.stages)[number], { use: 'repeated-lines' }>;
  using signatures = sign(documents, [4, 20, 6], 'bb');
  const whole = repeatedLines(signatures, stage, () => true, 2 ** 30);
  assert.deepEqual([...whole.effect.subarray(0, 12)], [1, 1, 1, 2, 2, 1, 1, 1, 1, 1, 0, 0]);
  assert.ok(
    whole.effect.subarray(10).every((effect) => effect === 0),
    '3 of 20 documents are less than the share',
  );
  assert.deepEqual(repeatedLines(signatures, stage, () => true, 500).effect, whole.effect);
  assert.deepEqual(withoutLines(documents[0]!, whole.lines), { text: article(0), removed: 2 });
  assert.deepEqual(withoutLines(documents[10]!, whole.lines), { text: documents[10]!.text, removed: 0 });
  const few = repeatedLines(signatures, stage, (i) => i < 2 || i > 9, 2 ** 30);
  assert.ok(
    few.effect.every((effect) => effect === 0),
    'copies that were dropped before do not count',
  );
});

test('a line set holds what it was made of, and nothing else', () => {
  const hash = (i: number): [number, number] => [mix(2 * i + 1), mix(2 * i) & ~1];
  const set = LineSet.of(Uint32Array.from({ length: 2000 }, (_, i) => hash(i >> 1)[i & 1]!));
  const again = new LineSet(set.words);
  for (let i = 0; i < 1000; i++) assert.ok(again.has(...hash(i)));
  for (let i = 1000; i < 20_000; i++) assert.equal(again.has(...hash(i)), false);
});
