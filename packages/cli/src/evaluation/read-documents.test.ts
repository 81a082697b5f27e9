import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { readDocuments } from './read-documents.ts';

const home = mkdtempSync(path.join(os.tmpdir(), 'tunan-documents-'));
after(() => rmSync(home, { recursive: true }));
const TEXT = '春水月花\n'.repeat(40);
/** The same in GBK. */
const GBK = Buffer.from('b4bacbaed4c2bba80a'.repeat(40), 'hex');

function file(name: string, content: string | Buffer): string {
  const place = path.join(home, name);
  writeFileSync(place, content);
  return place;
}

test('a text in any charset is one document, JSON lines are one each', async () => {
  const mark = Buffer.from([0xff, 0xfe]);
  const texts: [string, string | Buffer][] = [
    ['utf8.txt', TEXT],
    ['mark.md', `\ufeff${TEXT}`],
    ['gbk.txt', GBK],
    ['utf16.txt', Buffer.concat([mark, Buffer.from(TEXT, 'utf16le')])],
  ];
  for (const [name, content] of texts) assert.deepEqual(await readDocuments(file(name, content), 'test'), [TEXT], name);
  const line = (text: string | Buffer) =>
    Buffer.concat([Buffer.from('{"text":"'), Buffer.from(text), Buffer.from('"}\r\n')]);
  const words = GBK.subarray(0, 8);
  const lines = file('gbk.jsonl', Buffer.concat([line(words), line('abc'), line(words)]));
  assert.deepEqual(await readDocuments(lines, 'test', 2), ['春水月花', 'abc']);
});

test('what is no text is refused with its place', async () => {
  const wrong: [string, RegExp][] = [
    [file('empty.txt', ''), /empty\.txt: the file is empty/],
    [file('picture.txt', Buffer.from('89504e470d0a1a0a0000', 'hex')), /picture\.txt: no text/],
    [file('lines.jsonl', '{"text": "a"}\n{"text": null}\n'), /lines\.jsonl:2: the field text is missing/],
    [file('null.jsonl', 'null\n'), /null\.jsonl:1: the field text/],
    [file('torn.jsonl', '{"text"\n'), /torn\.jsonl:1: not JSON/],
    [file('book.docx', 'PK'), /book\.docx: give a corpus directory, JSON lines/],
    [path.join(home, 'nowhere.txt'), /cannot read .*nowhere\.txt: there is no such file/],
  ];
  for (const [place, message] of wrong) await assert.rejects(readDocuments(place, 'test'), { message });
  await assert.rejects(readDocuments(file('a.txt', 'a'), 'test', 0), { message: /--limit/ });
});
