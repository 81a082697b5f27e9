/**
 * Zstandard files of many frames. node:zlib stops after the first frame and takes a truncated stream without a word, so
 * the reader walks the frame structure itself (RFC 8878 §3.1.1): it knows where each frame ends, gives libzstd exactly
 * one at a time, and reports a file that ends inside one. Memory is bounded by the window, not by the file.
 */
import { createReadStream, type ReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { constants, createZstdDecompress, zstdCompressSync } from 'node:zlib';
import { CorpusError } from '../errors.ts';

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const LEVEL = 6;

/** One complete frame with a content checksum. The same bytes give the same frame on the pinned Node. */
export function zstdFrame(content: Buffer): Buffer {
  const params = { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_checksumFlag]: 1 };
  return zstdCompressSync(content, { params });
}

/** The content of all frames, in pieces. @throws CorpusError CORPUS_TRUNCATED or CORPUS_SOURCE_FORMAT. */
export async function* readZstd(path: string): AsyncGenerator<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    let start = 0;
    while (start < size) {
      const frame = await frameAt(file, path, start, size);
      if (!frame.skippable) yield* decompress(path, start, frame.end);
      start = frame.end;
    }
  } finally {
    await file.close();
  }
}

async function* decompress(path: string, start: number, end: number): AsyncGenerator<Buffer> {
  const input: ReadStream = createReadStream(path, { start, end: end - 1, highWaterMark: 1 << 20 });
  const content = input.pipe(createZstdDecompress({ chunkSize: 1 << 18 }));
  input.on('error', (error) => content.destroy(error));
  try {
    for await (const piece of content) yield piece as Buffer;
  } catch (cause) {
    const detail = (cause as Error).message;
    throw new CorpusError(
      'CORPUS_SOURCE_FORMAT',
      {
        en: `${path}: damaged zstd frame at byte ${start}: ${detail}`,
        zh: `${path}：第 ${start} 字节处的 zstd 帧损坏（${detail}）`,
      },
      { cause },
    );
  } finally {
    input.destroy();
  }
}

async function frameAt(file: FileHandle, path: string, start: number, size: number) {
  const truncated = () =>
    new CorpusError('CORPUS_TRUNCATED', {
      en: `${path} is truncated: its zstd frame at byte ${start} has no end; get it again`,
      zh: `${path} 不完整：第 ${start} 字节处的 zstd 帧没有结尾；请重新获取`,
    });
  const at = async (position: number, length: number): Promise<Buffer> => {
    if (position + length > size) throw truncated();
    const buffer = Buffer.alloc(length);
    await file.read(buffer, 0, length, position);
    return buffer;
  };
  const magic = (await at(start, 4)).readUInt32LE();
  if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
    const end = start + 8 + (await at(start + 4, 4)).readUInt32LE();
    if (end > size) throw truncated();
    return { end, skippable: true };
  }
  if (magic !== MAGIC) {
    throw new CorpusError('CORPUS_SOURCE_FORMAT', {
      en: `${path} is not a zstd file (byte ${start} does not start a frame)`,
      zh: `${path} 不是 zstd 文件（第 ${start} 字节处不是帧的开头）`,
    });
  }
  const descriptor = (await at(start + 4, 1))[0]!;
  let position = start + 5 + headerLength(descriptor);
  for (let last = false; !last; ) {
    const block = (await at(position, 3)).readUIntLE(0, 3);
    last = (block & 1) === 1;
    const type = (block >> 1) & 3;
    position += 3 + (type === 1 ? 1 : block >> 3); // an RLE block stores one byte whatever its size
  }
  position += (descriptor & 4) !== 0 ? 4 : 0; // content checksum
  if (position > size) throw truncated();
  return { end: position, skippable: false };
}

/** Bytes of window descriptor, dictionary id and content size after the frame header descriptor. */
function headerLength(descriptor: number): number {
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3]!;
  const contentSize = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  return (singleSegment ? 0 : 1) + dictionary + contentSize;
}
