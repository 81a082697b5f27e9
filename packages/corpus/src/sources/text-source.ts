/** Source type `text`: plain text, one document a file or one a line, in a stated charset. */
import { join } from 'node:path';
import { CorpusError } from '../errors.ts';
import { byteLines } from '../json-lines.ts';
import type { TextSource } from '../recipe-sources.ts';
import { readContent } from './content.ts';
import type { SourceItem } from './source-item.ts';

export const TEXT_FILE = /\.(txt|text|md)(\.gz|\.zst)?$/i;

type Decoder = InstanceType<typeof TextDecoder>;

/** A file larger than this is no one document; read it a line a document. */
const MAX_FILE_BYTES = 64 * 2 ** 20;

export async function* readTextFiles(
  source: TextSource,
  unit: { path: string; name: string; members: string[] },
): AsyncGenerator<SourceItem> {
  const decoder = decoderOf(source);
  for (const member of unit.members) {
    const path = join(unit.path, member);
    const name = member === '' ? unit.name : `${unit.name}/${member}`;
    if (source.document === 'line') yield* readLines(source, decoder, path, name);
    else yield await readWhole(source, decoder, path, name);
  }
}

async function* readLines(source: TextSource, decoder: Decoder, path: string, name: string) {
  let line = 0;
  for await (const bytes of byteLines(path)) {
    line++;
    const id = `${name}#${line}`;
    const text = decode(decoder, bytes);
    if (text === undefined) yield { damaged: 'invalid-encoding', id };
    else if (text.trim() !== '') yield draftOf(source, id, text.replace(/\r$/, ''));
  }
}

async function readWhole(source: TextSource, decoder: Decoder, path: string, name: string): Promise<SourceItem> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of readContent(path)) {
    pieces.push(piece);
    size += piece.length;
    if (size > MAX_FILE_BYTES) return { damaged: 'file-too-large', id: name };
  }
  const text = decode(decoder, Buffer.concat(pieces));
  return text === undefined ? { damaged: 'invalid-encoding', id: name } : draftOf(source, name, text);
}

function draftOf(source: TextSource, id: string, body: string): SourceItem {
  return { id, source: source.name, title: '', body, meta: { collection: source.name } };
}

function decoderOf({ name, encoding }: TextSource): Decoder {
  try {
    return new TextDecoder(encoding, { fatal: true });
  } catch (cause) {
    const problem = `source ${name}: unknown encoding "${encoding}"; name one that browsers know, such as utf-8, gb18030 or big5`;
    throw new CorpusError('CORPUS_RECIPE', problem, { cause });
  }
}

function decode(decoder: Decoder, bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
