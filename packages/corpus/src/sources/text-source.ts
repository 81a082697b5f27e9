/** Source type `text`: plain text, one document a file or one a line, in a stated charset or the one that its bytes are in. */
import { join } from 'node:path';
import { readContent } from '../reading/content.ts';
import { decodedLines, decodeWhole, requireEncoding } from '../reading/decoded-text.ts';
import type { TextSource } from '../recipe/recipe-sources.ts';
import type { SourceItem } from './source-item.ts';

export const TEXT_FILE = /\.(txt|text|md|markdown)(\.gz|\.zst)?$/i;

/** A file larger than this is no one document; read it a line a document. */
const MAX_FILE_BYTES = 64 * 2 ** 20;

export async function* readTextFiles(
  source: TextSource,
  unit: { path: string; name: string; members: string[] },
): AsyncGenerator<SourceItem> {
  requireEncoding(source.name, source.encoding);
  for (const member of unit.members) {
    const path = join(unit.path, member);
    const name = member === '' ? unit.name : `${unit.name}/${member}`;
    if (source.document === 'line') yield* readLines(source, path, name);
    else yield await readWhole(source, path, name);
  }
}

async function* readLines(source: TextSource, path: string, name: string): AsyncGenerator<SourceItem> {
  for await (const decoded of decodedLines(path, source.encoding)) {
    const id = `${name}#${decoded.line}`;
    if ('damaged' in decoded) yield { damaged: decoded.damaged, id };
    else if (decoded.text.trim() !== '') yield draftOf(source, id, decoded.text, decoded.encoding);
  }
}

async function readWhole(source: TextSource, path: string, name: string): Promise<SourceItem> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of readContent(path)) {
    pieces.push(piece);
    size += piece.length;
    if (size > MAX_FILE_BYTES) return { damaged: 'file-too-large', id: name };
  }
  const decoded = decodeWhole(Buffer.concat(pieces), source.encoding);
  if ('damaged' in decoded) return { damaged: decoded.damaged, id: name };
  return draftOf(source, name, decoded.text.replace(/^\uFEFF/, ''), decoded.encoding);
}

/** A charset other than UTF-8 stands in meta.encoding. */
function draftOf(source: TextSource, id: string, body: string, encoding: string): SourceItem {
  const meta = { collection: source.name, ...(/^utf-?8$/i.test(encoding) ? {} : { encoding }) };
  return { id, source: source.name, title: '', body, meta };
}
