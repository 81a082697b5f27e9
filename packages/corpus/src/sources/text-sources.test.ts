/** Sources `html`, `text`, `parquet` and compressed `jsonl`, read through a build. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parquetWriteFile } from 'hyparquet-writer';
import iconv from 'iconv-lite';
import { buildCorpus } from '../build.ts';
import { openCorpus } from '../directory/open-corpus.ts';
import type { Document } from '../document.ts';
import { readJsonLines } from '../reading/json-lines.ts';
import { parseRecipe } from '../recipe/recipe.ts';
import type { SourceItem } from './source-item.ts';
import { readUnit, resolveInputs, unreadInputs } from './units.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-sources-'));
after(() => rmSync(folder, { recursive: true }));
let serial = 0;

function recipeOf(source: Record<string, unknown>, stages: unknown[] = []) {
  return parseRecipe({
    name: 'x',
    title: { en: 'x', zh: 'x' },
    description: { en: 'x', zh: 'x' },
    licence: 'CC0-1.0',
    sources: [{ name: 's', licence: 'CC0-1.0', ...source }],
    stages,
    split: { validation: 0, test: 0, seed: 1 },
  });
}

/** What a source gives, without a build. */
async function itemsOf(source: Record<string, unknown>, base: string) {
  const recipe = recipeOf(source);
  const inputs = await resolveInputs(recipe, { base, downloads: join(base, 'downloads') });
  const items: SourceItem[] = [];
  for (const input of inputs) for await (const item of readUnit(recipe.sources[0]!, input, base)) items.push(item);
  const drafts = items.filter((item) => 'body' in item);
  const damaged = items.filter((item) => 'damaged' in item);
  return { drafts, damaged, unread: unreadInputs(recipe, inputs, base) };
}

function build(source: Record<string, unknown>, base: string, stages: unknown[] = []) {
  return buildCorpus(recipeOf(source, stages), { out: join(folder, `out-${serial++}`), base });
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

const traditional =
  '清晨的集市上人來人往，賣菜的老人把新摘的豆角擺成一排，旁邊的孩子數著竹籃裡的雞蛋。大家說今年雨水好，收成也好，於是早早回家準備過節。';
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
  assert.deepEqual(
    (await documents(whole.directory)).map(({ text }) => text),
    [`${verse(1)}\n${verse(2)}\n`, `${verse(3)}\n${verse(4)}\n`],
  );
  assert.deepEqual(whole.manifest.stages[0]!.reasons, { 'unknown-charset': 1 });
  const lines = await build({ type: 'text', paths: ['a.txt', 'b.txt.gz'], document: 'line' }, base);
  assert.deepEqual(
    (await documents(lines.directory)).map(({ id }) => id),
    ['a.txt#1', 'a.txt#2', 'b.txt.gz#1', 'b.txt.gz#2'],
  );
  const gbk = join(base, 'gbk.txt');
  writeFileSync(gbk, Buffer.from([0xd6, 0xd0, 0xb9, 0xfa]));
  const { directory } = await build({ type: 'text', paths: [gbk], encoding: 'gbk' }, base);
  assert.deepEqual(await documents(directory), [
    { id: 'gbk.txt', text: '中国', source: 's', meta: { collection: 's', encoding: 'gbk' } },
  ]);
  await assert.rejects(build({ type: 'text', paths: [gbk], encoding: 'klingon' }, base), {
    code: 'CORPUS_RECIPE',
    message: /unknown encoding "klingon"/,
  });
});

/** Sentences of our own in every charset that people keep text in. */
const prose = (n: number) =>
  `第${n}段：清晨的集市上人来人往，卖菜的老人把新摘的豆角摆成一排，旁边的孩子数着竹篮里的鸡蛋。大家说今年雨水好，收成也好。`;

test('text in whatever charset, whole and by line, is read, and the charset said', async () => {
  const base = fresh();
  mkdirSync(join(base, 'books'));
  const whole = [prose(1), prose(2)].join('\r\n');
  for (const name of ['gb18030', 'big5', 'utf-16le', 'utf-8']) {
    const content = name === 'utf-16le' ? `\uFEFF${whole}` : name === 'big5' ? traditional : whole;
    writeFileSync(join(base, `books/${name}.txt`), iconv.encode(content, name));
  }
  writeFileSync(join(base, 'books/marked.md'), `\uFEFF# 题\n\n${whole}`);
  const { drafts } = await itemsOf({ type: 'text', paths: ['books'] }, base);
  const found = Object.fromEntries(drafts.map(({ id, body, meta }) => [id, [body, meta.encoding]]));
  assert.deepEqual(found, {
    'books/big5.txt': [traditional, 'big5'],
    'books/gb18030.txt': [whole, 'gb18030'],
    'books/marked.md': [`# 题\n\n${whole}`, undefined],
    'books/utf-16le.txt': [whole, 'utf-16le'],
    'books/utf-8.txt': [whole, undefined],
  });
  for (const name of ['gb18030', 'utf-16le']) {
    const source = { type: 'text', paths: [`books/${name}.txt`], document: 'line' };
    const lines = await itemsOf(source, base);
    assert.deepEqual(
      lines.drafts.map(({ body, meta }) => [body, meta.encoding]),
      [1, 2].map((n) => [prose(n), name]),
    );
  }
});

test('JSON lines: a bad line is counted with its number, and the others are read', async () => {
  const base = fresh();
  const line = (n: number) => JSON.stringify({ id: n, data: { text: prose(n) } });
  const gbk = iconv.encode(line(4), 'gb18030');
  const bad = [
    '{"id": 5, "data": {"text": "',
    '{"id": 6, "data": {"text": null}}',
    '{"id": 7, "data": {"text": {"a": 1}}}',
    '[1]',
    '{"id": 8, "data": {"text": " "}}',
  ];
  const head = Buffer.from(`\uFEFF${line(1)}\r\n${line(2)}\r\n\r\n${line(3)}\r\n`);
  writeFileSync(join(base, 'a.jsonl'), Buffer.concat([head, gbk, Buffer.from(`\n${bad.join('\n')}\n${line(9)}`)]));
  const fields = { text: 'data.text', id: 'id' };
  const { directory, manifest } = await build({ type: 'jsonl', paths: ['a.jsonl'], fields }, base);
  assert.deepEqual(
    (await documents(directory)).map(({ id, text }) => [id, text]),
    [1, 2, 3, 4, 9].map((n) => [`${n}`, prose(n)]),
  );
  assert.deepEqual(manifest.stages[0]!.reasons, {
    empty: 1,
    'no-text': 1,
    'not-a-text': 1,
    'not-an-object': 1,
    'not-json': 1,
  });
  const details: unknown[] = [];
  for await (const { value } of readJsonLines(join(directory, manifest.rejects.shards[0]!.file))) {
    details.push((value as { detail?: string }).detail);
  }
  assert.ok(
    details.some((detail) => /^line 6: /.test(String(detail))),
    JSON.stringify(details),
  );
  assert.ok(details.includes('line 7: no field "data.text"; the record has: id, data'));
  const report = readFileSync(join(directory, 'report.html'), 'utf8');
  const said = '第 7 行：没有字段 &#34;data.text&#34;；记录中有：id, data';
  assert.ok(report.includes(`${said} line 7: no field`), 'the report says it in both languages');
});

test('JSON: a list over many lines, a list inside an object, turns of dialogues, several fields as one text', async () => {
  const base = fresh();
  const records = [1, 2].map((n) => ({ q: `问${n}`, a: prose(n), turns: [{ say: '你好' }, { say: `好${n}` }] }));
  writeFileSync(join(base, 'list.json'), JSON.stringify(records, undefined, 1));
  writeFileSync(join(base, 'one-line.json'), JSON.stringify(records));
  writeFileSync(join(base, 'inside.json'), JSON.stringify({ version: 1, data: records }, undefined, 1));
  const textsOf = async (name: string, text: unknown) => {
    const { drafts } = await itemsOf({ type: 'jsonl', paths: [`${name}.json`], fields: { text } }, base);
    return drafts.map(({ body }) => body);
  };
  for (const name of ['list', 'one-line', 'inside']) {
    assert.deepEqual(
      await textsOf(name, ['q', 'a']),
      [1, 2].map((n) => `问${n}\n${prose(n)}`),
    );
  }
  assert.deepEqual(await textsOf('list', 'turns.say'), ['你好\n好1', '你好\n好2']);
});

test('CSV: quoted fields over lines, other delimiters, Excel in GBK; rows that do not fit are counted', async () => {
  const base = fresh();
  const rows = [
    '编号,标题,正文',
    `1,甲,"${prose(1)}\r\n第二行，""引号"""`,
    `2,乙,${prose(2)}`,
    '3,丙',
    '',
    '4,丁,',
    '',
  ];
  writeFileSync(join(base, 'a.csv'), iconv.encode(rows.join('\r\n'), 'gb18030'));
  writeFileSync(join(base, 'b.tsv'), `id\tbody\n1\t${prose(3)}\n`);
  const fields = { text: '正文', title: '标题', id: '编号' };
  const { drafts, damaged } = await itemsOf({ type: 'csv', paths: ['a.csv'], fields }, base);
  const first = `${prose(1)}\n第二行，"引号"`;
  assert.deepEqual(
    drafts.map(({ id, title, body }) => [id, title, body]),
    [
      ['1', '甲', first],
      ['2', '乙', prose(2)],
    ],
  );
  assert.deepEqual(
    damaged.map((one) => [one.damaged, one.detail]),
    [
      [
        'wrong-columns',
        { en: 'line 5: 2 fields, and the first row names 3', zh: '第 5 行：有 2 个字段，而首行列出 3 个' },
      ],
      ['empty', undefined],
    ],
  );
  const tsv = await itemsOf({ type: 'csv', paths: ['b.tsv'], fields: { text: 'body' } }, base);
  assert.equal(tsv.drafts[0]!.body, prose(3));
});

test('files that no source reads are counted by kind; one that is named is an error that says what to do', async () => {
  const base = fresh();
  mkdirSync(join(base, 'mine/below'), { recursive: true });
  for (const name of ['a.txt', 'b.md', 'c.docx', 'below/d.DOCX', 'e.pdf', 'f.epub', 'g', '.hidden']) {
    writeFileSync(join(base, 'mine', name), `${prose(1)}${name}`);
  }
  const { drafts, unread } = await itemsOf({ type: 'text', paths: ['mine'] }, base);
  assert.equal(drafts.length, 2);
  assert.deepEqual(unread, { docx: 2, epub: 1, hidden: 1, pdf: 1, 'without ending': 1 });
  await assert.rejects(itemsOf({ type: 'text', paths: ['mine/c.docx'] }, base), {
    code: 'CORPUS_SOURCE_FORMAT',
    message: /c\.docx: a source of type "document" reads Word files/,
    chinese: /Word 文件请用 "document" 类型的来源读取/,
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

test('fields that a recipe carries over pass the stages as they are', async () => {
  const base = fresh();
  writeFileSync(join(base, 'a.jsonl'), JSON.stringify({ text: traditional, note: '臺灣  ,書' }));
  const stages = [{ use: 'simplify' }, { use: 'normalise' }];
  const { directory } = await build({ type: 'jsonl', paths: ['a.jsonl'], fields: { meta: ['note'] } }, base, stages);
  const [document] = await documents(directory);
  assert.deepEqual(document!.meta, { note: '臺灣  ,書', collection: 's' });
  assert.match(document!.text, /旁边的孩子数着竹篮里的鸡蛋/);
});

test('gzip JSON lines with many members; one that is cut is an error', async () => {
  const base = fresh();
  const member = (n: number) => gzipSync(`${JSON.stringify({ text: verse(n), u: `http://b.example/${n}` })}\n`);
  writeFileSync(join(base, 'a.jsonl.gz'), Buffer.concat([member(1), member(2), member(3)]));
  const { directory } = await build({ type: 'jsonl', paths: ['a.jsonl.gz'], fields: { url: 'u' } }, base);
  assert.deepEqual(
    (await documents(directory)).map(({ id, meta }) => [id, meta.url]),
    [1, 2, 3].map((n) => [`a#${n - 1}`, `http://b.example/${n}`]),
  );
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
