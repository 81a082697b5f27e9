/**
 * Gzip files of many members, as web archives are: one member a record. node:zlib reads them as one stream, so that one
 * damaged byte loses the rest of the file, and what follows the first member is dropped in silence where it is no
 * member. Here each member is inflated by itself: a damaged one is reported with its place and reading goes on at the
 * next. Members of usual size are inflated at once; larger ones and bombs in pieces, so memory is bounded.
 */
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib';

/** A part of a member's content, or a place where the file is damaged. `offset` is the member's, in the file. */
export type GzipPiece =
  | { bytes: Buffer; offset: number; start: boolean }
  | { damage: 'damaged-gzip' | 'truncated-gzip'; offset: number };

const FIRST_WINDOW = 1 << 20;
const LARGEST_WINDOW = 1 << 24;
/** A member that inflates to more than this is given in pieces. */
const LARGEST_OUTPUT = 64 * 2 ** 20;
const READ_BYTES = 1 << 20;
const TRAILER = 8;

/**
 * A part of a file, so that several threads may read one: the members from the first that starts at `start` or later and
 * whose content begins with `begins`, to the last before such a one at `end` or later. The parts of a file give what the
 * whole gives: what is damaged at a border belongs to the part before it.
 */
export interface GzipPart {
  start: number;
  end: number;
  begins: string;
}

export async function* readGzipMembers(path: string, part?: GzipPart): AsyncGenerator<GzipPiece> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const window = new Window(file, size);
    let offset = part === undefined || part.start === 0 ? 0 : await firstMember(window, part);
    let sound = true; // damage is reported once, not at every false start inside the damaged region
    while (offset < size) {
      const member = await inflateWhole(window, offset);
      if (part !== undefined && offset >= part.end && beginsPart(member, part)) return;
      if (typeof member === 'object') {
        yield { bytes: member.content, offset, start: true };
        offset = member.end;
        sound = true;
      } else if (member === 'large' && sound) {
        let start = true;
        const end = yield* inflatePieces(file, path, offset, size, () => {
          const first = start;
          start = false;
          return first;
        });
        if (end === undefined) return;
        offset = end;
      } else {
        if (sound) yield { damage: member === 'truncated' ? 'truncated-gzip' : 'damaged-gzip', offset };
        sound = false;
        offset = await nextMember(window, offset + 1);
      }
    }
  } finally {
    await file.close();
  }
}

/** The bytes around a position, kept between members so that small ones cost no read each. */
class Window {
  readonly size: number;
  readonly #file: FileHandle;
  #start = 0;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
  }

  /** `length` bytes from `offset`, fewer at the end of the file. */
  async at(offset: number, length: number): Promise<Buffer> {
    const end = Math.min(this.size, offset + length);
    if (offset < this.#start || end > this.#start + this.#bytes.length) {
      const bytes = Buffer.allocUnsafe(Math.min(Math.max(length, 4 * FIRST_WINDOW), this.size - offset));
      let got = 0;
      while (got < bytes.length) {
        const { bytesRead } = await this.#file.read(bytes, got, bytes.length - got, offset + got);
        if (bytesRead === 0) break;
        got += bytesRead;
      }
      this.#start = offset;
      this.#bytes = bytes.subarray(0, got);
    }
    return this.#bytes.subarray(offset - this.#start, end - this.#start);
  }
}

/** The member at `offset`; why not where it cannot be had at once. */
async function inflateWhole(
  window: Window,
  offset: number,
): Promise<{ content: Buffer; end: number } | 'large' | 'truncated' | 'damaged'> {
  for (let length = FIRST_WINDOW; ; length *= 4) {
    const bytes = await window.at(offset, length);
    const atEnd = offset + bytes.length === window.size;
    const body = gzipHeaderLength(bytes);
    if (body === undefined) return atEnd && beginsMember(bytes) ? 'truncated' : 'damaged';
    let reason: 'short' | 'damaged' | 'large';
    try {
      // With `info` node:zlib also tells how much of the input the stream took.
      const options = { info: true, maxOutputLength: LARGEST_OUTPUT, chunkSize: 1 << 17 } as const;
      const { buffer, engine } = inflateRawSync(bytes.subarray(body), options) as unknown as {
        buffer: Buffer;
        engine: { bytesWritten: number };
      };
      const trailer = body + engine.bytesWritten;
      if (trailer + TRAILER <= bytes.length) {
        const sound =
          bytes.readUInt32LE(trailer) === crc32(buffer) && bytes.readUInt32LE(trailer + 4) === buffer.length;
        return sound ? { content: buffer, end: offset + trailer + TRAILER } : 'damaged';
      }
      reason = 'short';
    } catch (error) {
      reason = failure(error);
    }
    if (reason !== 'short') return reason;
    if (atEnd) return 'truncated';
    if (length >= LARGEST_WINDOW) return 'large';
  }
}

function failure(error: unknown): 'short' | 'damaged' | 'large' {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR') return 'short';
  if (code === 'ERR_BUFFER_TOO_LARGE') return 'large';
  if (code === 'Z_DATA_ERROR') return 'damaged';
  throw error;
}

/** One large member in pieces; where it ends, undefined where the rest of the file is lost. */
async function* inflatePieces(
  file: FileHandle,
  path: string,
  offset: number,
  size: number,
  isFirst: () => boolean,
): AsyncGenerator<GzipPiece, number | undefined> {
  const head = Buffer.alloc(Math.min(1 << 16, size - offset));
  await file.read(head, 0, head.length, offset);
  const body = offset + gzipHeaderLength(head)!;
  const input = createReadStream(path, { start: body, highWaterMark: READ_BYTES });
  const inflate = createInflateRaw({ chunkSize: 1 << 18 });
  input.on('error', (error) => inflate.destroy(error));
  let [crc, length] = [0, 0];
  try {
    for await (const piece of input.pipe(inflate)) {
      crc = crc32(piece as Buffer, crc);
      length += (piece as Buffer).length;
      yield { bytes: piece as Buffer, offset, start: isFirst() };
    }
  } catch (error) {
    yield { damage: failure(error) === 'short' ? 'truncated-gzip' : 'damaged-gzip', offset };
    return undefined;
  } finally {
    input.destroy();
  }
  const trailer = Buffer.alloc(TRAILER);
  const end = body + inflate.bytesWritten + TRAILER;
  const { bytesRead } = await file.read(trailer, 0, TRAILER, end - TRAILER);
  if (bytesRead < TRAILER) yield { damage: 'truncated-gzip', offset };
  else if (trailer.readUInt32LE() !== crc || trailer.readUInt32LE(4) !== length % 2 ** 32) {
    yield { damage: 'damaged-gzip', offset };
  }
  return end;
}

/** Where a part begins; the size of the file where it is empty. */
async function firstMember(window: Window, part: GzipPart): Promise<number> {
  let offset = await nextMember(window, part.start);
  while (offset < window.size) {
    const member = await inflateWhole(window, offset);
    if (beginsPart(member, part)) return offset;
    offset = typeof member === 'object' ? member.end : await nextMember(window, offset + 1);
  }
  return offset;
}

/** Sixteen megabytes that inflate are no accident. */
function beginsPart(member: Awaited<ReturnType<typeof inflateWhole>>, { begins }: GzipPart): boolean {
  return (
    member === 'large' || (typeof member === 'object' && member.content.toString('latin1', 0, begins.length) === begins)
  );
}

/** Where the next member may start: RFC 1952's magic and the one method, no reserved flag. The size where none is. */
async function nextMember(window: Window, from: number): Promise<number> {
  for (let offset = from; offset < window.size; ) {
    const bytes = await window.at(offset, FIRST_WINDOW);
    for (let at = bytes.indexOf(0x1f); at >= 0; at = bytes.indexOf(0x1f, at + 1)) {
      if (bytes[at + 1] === 0x8b && bytes[at + 2] === 8 && (bytes[at + 3]! & 0xe0) === 0) return offset + at;
    }
    offset += Math.max(1, bytes.length - 3);
    if (bytes.length <= 3) break;
  }
  return window.size;
}

/** Whether this is the beginning of a member's header, as far as it goes. */
function beginsMember(bytes: Buffer): boolean {
  return [0x1f, 0x8b, 8].every((byte, i) => bytes.length <= i || bytes[i] === byte);
}

/** Bytes before the compressed data (RFC 1952 §2.3); undefined where this is no member. */
export function gzipHeaderLength(bytes: Buffer): number | undefined {
  if (bytes.length < 10 || bytes[0] !== 0x1f || bytes[1] !== 0x8b || bytes[2] !== 8) return undefined;
  const flags = bytes[3]!;
  let at = 10;
  if ((flags & 4) !== 0) at += 2 + (at + 2 <= bytes.length ? bytes.readUInt16LE(at) : 0);
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end < 0) return undefined;
    at = end + 1;
  }
  if ((flags & 2) !== 0) at += 2;
  return at < bytes.length ? at : undefined;
}
