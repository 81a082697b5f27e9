// Rows of tables as people save them: charsets, separators, lists, columns; and the first row that cannot be read, by file and line.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { parquetWriteFile } from 'hyparquet-writer';
import iconv from 'iconv-lite';
import { rowsOf as sheetOf, workbookOf } from '../documents/testing/make-documents.ts';
import { readTable, type TableRow } from './table-rows.ts';

const home = mkdtempSync(path.join(os.tmpdir(), '表 tunan-'));
after(() => rmSync(home, { recursive: true }));

function file(name: string, content: string | Buffer): string {
  writeFileSync(path.join(home, name), content);
  return path.join(home, name);
}

async function rowsOf(name: string): Promise<TableRow[]> {
  const rows: TableRow[] = [];
  for await (const row of readTable(name)) rows.push(row);
  return rows;
}

test('CSV of any separator and charset, with quoted breaks, by the names of the first row', async () => {
  const wanted = [
    { record: { 问题: '何为“图南”？', 答案: '鹏程万里，\n"图南"也' }, line: 2 },
    { record: { 问题: '再问', 答案: '再答' }, line: 4 },
  ];
  for (const [mark, charset] of [
    [',', 'utf8'],
    [';', 'gb18030'],
    [',', 'utf-16'],
  ] as const) {
    const text = [`问题${mark}答案`, `何为“图南”？${mark}"鹏程万里，\n""图南""也"`, `再问${mark}再答`].join('\r\n');
    const rows = await rowsOf(file(`${charset}.csv`, iconv.encode(text, charset, { addBOM: charset === 'utf-16' })));
    assert.deepEqual(rows, wanted, charset);
  }
});

test('Parquet keeps lists of records, and JSON may be lines or one list', async () => {
  const messages = [[{ role: 'user', content: '问' }], [{ role: 'user', content: '又问' }]];
  const parquet = path.join(home, 'a.parquet');
  parquetWriteFile({ filename: parquet, columnData: [{ name: 'messages', data: messages, type: 'JSON' }] });
  assert.deepEqual(await rowsOf(parquet), [
    { record: { messages: messages[0] }, line: 1 },
    { record: { messages: messages[1] }, line: 2 },
  ]);
  const list = [{ text: '甲' }, { text: '乙' }];
  const wanted = list.map((record, at) => ({ record, line: at + 1 }));
  assert.deepEqual(await rowsOf(file('list.json', JSON.stringify(list, null, 2))), wanted);
  const lines = list.map((row) => JSON.stringify(row)).join('\n');
  assert.deepEqual(await rowsOf(file('lines.jsonl', iconv.encode(lines, 'gbk'))), wanted);
});

test('a sheet of Excel, by its rows', async () => {
  const book = workbookOf({
    问答: sheetOf([
      ['问题', '答案'],
      ['何为图南？', '鹏程万里'],
    ]),
  });
  writeFileSync(path.join(home, '问答.xlsx'), book);
  const wanted = [{ record: { 问题: '何为图南？', 答案: '鹏程万里' }, line: 2 }];
  assert.deepEqual(await rowsOf(path.join(home, '问答.xlsx')), wanted);
});

test('a row that cannot be read ends it, with file and line', async () => {
  const cases: readonly [string, string, RegExp][] = [
    ['short.csv', 'a,b\n1,2\n1\n', /short\.csv: line 3: 1 fields, and the first row names 2/],
    ['open.csv', 'a,b\n1,"2\n', /open\.csv: line 2: a quotation mark is not closed/],
    ['bad.jsonl', '{"a": 1}\n{"a": \n', /bad\.jsonl: line 2: /],
    ['list.jsonl', '{"a": 1}\n[1]\n', /list\.jsonl: line 2: not a JSON object/],
    ['book.xlsx', 'PK', /book\.xlsx: /],
    ['no.parquet', 'PAR', /cannot be read as Parquet/],
  ];
  for (const [name, content, message] of cases) await assert.rejects(rowsOf(file(name, content)), message);
  await assert.rejects(rowsOf(path.join(home, 'nowhere.csv')), /there is no such file/);
});
