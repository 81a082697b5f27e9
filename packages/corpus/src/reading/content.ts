/** The content of a file in pieces, whatever it is compressed with: what it is is told by its first bytes, not its name. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { CorpusError } from '../errors.ts';
import { readGzipMembers } from './gzip-members.ts';
import { readZstd } from './zstd-frames.ts';

export type Compression = 'gzip' | 'zstd' | 'none';

/**
 * Told by the first bytes; where these are neither of a compression nor `plain`'s, by the name: a file whose first byte is
 * damaged is still read as what it is.
 */
export async function compressionOf(path: string, plain?: string): Promise<Compression> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(8);
    const { bytesRead } = await file.read(head, 0, 8, 0);
    if (bytesRead >= 2 && head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
    if (bytesRead >= 4 && (head.readUInt32LE() === 0xfd2fb528 || (head.readUInt32LE() & 0xfffffff0) === 0x184d2a50)) {
      return 'zstd';
    }
    if (plain === undefined || head.toString('latin1').startsWith(plain)) return 'none';
    return path.endsWith('.gz') ? 'gzip' : path.endsWith('.zst') ? 'zstd' : 'none';
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
      throw new CorpusError('CORPUS_TRUNCATED', {
        en: `${path} is truncated: its gzip member at byte ${piece.offset} has no end; get it again`,
        zh: `${path} 不完整：第 ${piece.offset} 字节处的 gzip 成员没有结尾；请重新获取`,
      });
    } else {
      throw new CorpusError('CORPUS_SOURCE_FORMAT', {
        en: `${path}: damaged gzip member at byte ${piece.offset}; get it again`,
        zh: `${path}：第 ${piece.offset} 字节处的 gzip 成员损坏；请重新获取`,
      });
    }
  }
}
