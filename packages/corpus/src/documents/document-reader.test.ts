/** The thread that reads documents: what takes too long is stopped and listed, and the next one is read. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DocumentReader } from './document-reader.ts';
import { paragraph, wordOf } from './testing/make-documents.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-reader-'));
after(() => rmSync(folder, { recursive: true }));

test('a document that takes too long is stopped, the next is read, and a file that is gone is an error of the system', async () => {
  const path = join(folder, 'a.docx');
  writeFileSync(path, wordOf(paragraph('正文')));
  const reader = new DocumentReader();
  assert.deepEqual(await reader.read({ path }, 0.001), { unreadable: 'document-too-slow' });
  const found = await reader.read({ path }, 300);
  assert.equal('document' in found && found.document.text, '正文');
  const gone = await reader.read({ path: join(folder, 'b.docx') }, 300);
  assert.ok('failed' in gone && gone.failed.code === 'ENOENT');
});
