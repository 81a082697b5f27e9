/** The content of a file in pieces, whatever it is compressed with: what it is is told by its first bytes, not its name. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { CorpusError } from '../errors.ts';
import { readZstd } from '../zstd-frames.ts';
import { readGzipMembers } from './gzip-members.ts';

export type Compression = 'gzip' | 'zstd' | 'none';

export async function compressionOf(path: string): Promise<Compression> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(4);
    const { bytesRead } = await file.read(head, 0, 4, 0);
    if (bytesRead >= 2 && head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
    if (bytesRead === 4 && (head.readUInt32LE() === 0xfd2fb528 || (head.readUInt32LE() & 0xfffffff0) === 0x184d2a50)) {
      return 'zstd';
    }
    return 'none';
  } finally {
    await file.close();
  }
}

/** @throws CorpusError CORPUS_TRUNCATED or CORPUS_SOURCE_FORMAT at a place where the file is damaged. */
export async function* readContent(path: string): AsyncGenerator<Buffer> {
  const compression = await compressionOf(path);
  // A file that says it is zstd and is not is an error, not text.
  if (compression === 'zstd' || (compression === 'none' && path.endsWith('.zst'))) return yield* readZstd(path);
  if (compression === 'none') return yield* createReadStream(path, { highWaterMark: 1 << 20 });
  for await (const piece of readGzipMembers(path)) {
    if ('bytes' in piece) yield piece.bytes;
    else if (piece.damage === 'truncated-gzip') {
      throw new CorpusError(
        'CORPUS_TRUNCATED',
        `${path} is truncated: its gzip member at byte ${piece.offset} has no end; get it again`,
      );
    } else {
      throw new CorpusError(
        'CORPUS_SOURCE_FORMAT',
        `${path}: damaged gzip member at byte ${piece.offset}; get it again`,
      );
    }
  }
}
