/** Sources `html`, `text`, `parquet` and compressed `jsonl`, read through a build. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parquetWriteFile } from 'hyparquet-writer';
import { buildCorpus } from '../build.ts';
import type { Document } from '../document.ts';
import { openCorpus } from '../open-corpus.ts';
import { parseRecipe } from '../recipe.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-sources-'));
after(() => rmSync(folder, { recursive: true }));
let serial = 0;

function build(source: Record<string, unknown>, base: string, stages: unknown[] = []) {
  const recipe = parseRecipe({
    name: 'x',
    title: { en: 'x', zh: 'x' },
    description: { en: 'x', zh: 'x' },
    licence: 'CC0-1.0',
    sources: [{ name: 's', licence: 'CC0-1.0', ...source }],
    stages,
    split: { validation: 0, test: 0, seed: 1 },
  });
  return buildCorpus(recipe, { out: join(folder, `out-${serial++}`), base });
}

async function documents(directory: string): Promise<Document[]> {
  const all: Document[] = [];
  for await (const document of openCorpus(directory).documents('train')) all.push(document);
  return all;
}

function fresh(): string {
  const base = join(folder, `base-${serial++}`);
  mkdirSync(base);
  return base;
}

const verse = (n: number) => `第${n}首：白日依山尽，黄河入海流。欲穷千里目，更上一层楼。`;

test('a folder of pages, its folders below, ids by path', async () => {
  const base = fresh();
  mkdirSync(join(base, 'pages/a'), { recursive: true });
  const html = (n: number) => `<html><body><article><h1>题</h1><p>${verse(n).repeat(9)}</p></article></body></html>`;
  for (let n = 0; n < 300; n++) writeFileSync(join(base, `pages/a/${n}.html`), html(n));
  writeFileSync(join(base, 'pages/b.htm'), html(301));
  writeFileSync(join(base, 'pages/notes.txt'), 'no page');
  const { manifest, directory } = await build({ type: 'html', paths: ['pages'] }, base, [
    { use: 'decode' },
    { use: 'extract' },
  ]);
  assert.equal(manifest.counts.read, 301);
  assert.equal(manifest.provenance[0]!.files, 301);
  const all = await documents(directory);
  assert.ok(all.some(({ id, text }) => id === 'pages/b.htm' && text.includes(verse(301))));
  await assert.rejects(build({ type: 'html', paths: ['pages'] }, base), {
    code: 'CORPUS_RECIPE',
    message: /put the stages decode and extract first/,
  });
  mkdirSync(join(base, 'none'));
  await assert.rejects(build({ type: 'html', paths: ['none'] }, base), {
    code: 'CORPUS_SOURCE_MISSING',
    message: /holds no \.html file/,
  });
});

test('text by file and by line, of another charset, compressed; what is of no charset is counted', async () => {
  const base = fresh();
  writeFileSync(join(base, 'a.txt'), `${verse(1)}\n${verse(2)}\n`);
  writeFileSync(join(base, 'b.txt.gz'), Buffer.concat([gzipSync(`${verse(3)}\n`), gzipSync(`${verse(4)}\n`)]));
  writeFileSync(join(base, 'c.txt'), Buffer.from([0xb0, 0xa1, 0xff, 0xff]));
  const whole = await build({ type: 'text', paths: ['.'] }, base);
  assert.deepEqual((await documents(whole.directory)).map(({ text }) => text), [`${verse(1)}\n${verse(2)}\n`, `${verse(3)}\n${verse(4)}\n`]); // biome-ignore format: short
  assert.deepEqual(whole.manifest.stages[0]!.reasons, { 'invalid-encoding': 1 });
  const lines = await build({ type: 'text', paths: ['a.txt', 'b.txt.gz'], document: 'line' }, base);
  assert.deepEqual((await documents(lines.directory)).map(({ id }) => id), ['a.txt#1', 'a.txt#2', 'b.txt.gz#1', 'b.txt.gz#2']); // biome-ignore format: short
  const gbk = join(base, 'gbk.txt');
  writeFileSync(gbk, Buffer.from([0xd6, 0xd0, 0xb9, 0xfa]));
  const { directory } = await build({ type: 'text', paths: [gbk], encoding: 'gbk' }, base);
  assert.deepEqual(await documents(directory), [
    { id: 'gbk.txt', text: '中国', source: 's', meta: { collection: 's' } },
  ]);
  await assert.rejects(build({ type: 'text', paths: [gbk], encoding: 'klingon' }, base), {
    code: 'CORPUS_RECIPE',
    message: /unknown encoding "klingon"/,
  });
});

test('Parquet: rows with id, address and other columns; other files, columns and damage are named', async () => {
  const base = fresh();
  const column = (name: string, make: (n: number) => string) => ({
    name,
    data: Array.from({ length: 2500 }, (_, n) => make(n)),
  });
  const columnData = [
    column('content', verse),
    column('link', (n) => `http://a.example/${n}`),
    column('tag', (n) => `t${n % 3}`),
  ];
  parquetWriteFile({ filename: join(base, 'a.parquet'), columnData, rowGroupSize: 1000 });
  const fields = { text: 'content', url: 'link', meta: ['tag'] };
  const { directory, manifest } = await build({ type: 'parquet', paths: ['a.parquet'], fields }, base);
  assert.equal(manifest.counts.kept, 2500);
  const all = await documents(directory);
  assert.deepEqual(all[2001], {
    id: 'a.parquet#2001',
    text: verse(2001),
    source: 's',
    meta: { tag: 't0', collection: 's', url: 'http://a.example/2001' },
  });
  const format = 'CORPUS_SOURCE_FORMAT';
  await assert.rejects(build({ type: 'parquet', paths: ['a.parquet'], fields: { text: 'body' } }, base), {
    code: format,
    message: /no column "body"; it has content, link, tag/,
  });
  writeFileSync(join(base, 'b.parquet'), 'text');
  await assert.rejects(build({ type: 'parquet', paths: ['b.parquet'], fields }, base), {
    code: format,
    message: /b\.parquet cannot be read as Parquet/,
  });
});

test('gzip JSON lines with many members; one that is cut is an error', async () => {
  const base = fresh();
  const member = (n: number) => gzipSync(`${JSON.stringify({ text: verse(n), u: `http://b.example/${n}` })}\n`);
  writeFileSync(join(base, 'a.jsonl.gz'), Buffer.concat([member(1), member(2), member(3)]));
  const { directory } = await build({ type: 'jsonl', paths: ['a.jsonl.gz'], fields: { url: 'u' } }, base);
  assert.deepEqual((await documents(directory)).map(({ id, meta }) => [id, meta.url]), [1, 2, 3].map((n) => [`a#${n - 1}`, `http://b.example/${n}`])); // biome-ignore format: short
  writeFileSync(join(base, 'a.jsonl.gz'), Buffer.concat([member(1), member(2).subarray(0, -9)]));
  await assert.rejects(build({ type: 'jsonl', paths: ['a.jsonl.gz'] }, base), {
    code: 'CORPUS_TRUNCATED',
    message: /its gzip member at byte \d+ has no end/,
  });
});

test('a line without end is an error in bounded memory', async () => {
  const base = fresh();
  // 1 GiB of one line, as a bomb of a megabyte.
  const megabyte = Buffer.alloc(1 << 20, 'a');
  const member = gzipSync(Buffer.concat(Array.from({ length: 64 }, () => megabyte)));
  writeFileSync(join(base, 'a.jsonl.gz'), Buffer.concat(Array.from({ length: 16 }, () => member)));
  await assert.rejects(build({ type: 'jsonl', paths: ['a.jsonl.gz'] }, base), {
    code: 'CORPUS_MALFORMED_LINE',
    message: /a\.jsonl\.gz:1: line longer than 64 MiB/,
  });
  assert.ok(process.memoryUsage().rss < 1.5 * 2 ** 30);
});
