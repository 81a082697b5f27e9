/** Reads a little-endian file from its beginning, a piece at a time. What reaches past the end is an error before memory is taken for it. */
import { fstatSync, readSync } from 'node:fs';
import { damagedGguf } from './damaged-gguf.ts';
import type { ElementType, Scalar } from './metadata.ts';

const PIECE = 1 << 20;
/** Bytes of a text and elements of a list that no header has: what claims more is damaged, however large the file. */
const LONGEST_TEXT = 1 << 26;
const LONGEST_LIST = 1 << 24;
/** Of keys and names, which stand in messages: short, and without line ends. */
const LONGEST_NAME = 256;
const NAME = /^[^\p{C}]+$/u;

export function isName(text: string): boolean {
  return text.length <= LONGEST_NAME && NAME.test(text);
}

const scalarReaders: Record<Exclude<ElementType, 'string'>, readonly [bytes: number, read: string]> = {
  uint8: [1, 'readUInt8'],
  int8: [1, 'readInt8'],
  uint16: [2, 'readUInt16LE'],
  int16: [2, 'readInt16LE'],
  uint32: [4, 'readUInt32LE'],
  int32: [4, 'readInt32LE'],
  float32: [4, 'readFloatLE'],
  bool: [1, 'readUInt8'],
  uint64: [8, 'readBigUInt64LE'],
  int64: [8, 'readBigInt64LE'],
  float64: [8, 'readDoubleLE'],
};

export class FileCursor {
  /** Bytes of the file. */
  readonly size: number;
  readonly #descriptor: number;
  readonly #file: string;
  #piece = Buffer.alloc(0);
  #pieceStart = 0;
  #at = 0;

  constructor(descriptor: number, file: string) {
    this.#descriptor = descriptor;
    this.#file = file;
    this.size = fstatSync(descriptor).size;
  }

  /** Bytes read so far. */
  get at(): number {
    return this.#at;
  }

  /** The next bytes; valid until the next call. @throws ExportError EXPORT_UNREADABLE where the file ends before */
  bytes(count: number): Buffer {
    if (count > this.size - this.#at) {
      throw damagedGguf(
        this.#file,
        `it ends at byte ${this.size}, within its header: fetch or export it again`,
        `文件在第 ${this.size} 字节、头部之内就结束了：请重新获取或导出`,
      );
    }
    const end = this.#at + count;
    if (end > this.#pieceStart + this.#piece.length) {
      this.#piece = Buffer.alloc(Math.min(Math.max(PIECE, count), this.size - this.#at));
      this.#pieceStart = this.#at;
      readFully(this.#descriptor, this.#piece, this.#at);
    }
    const found = this.#piece.subarray(this.#at - this.#pieceStart, end - this.#pieceStart);
    this.#at = end;
    return found;
  }

  scalar(type: ElementType): Scalar {
    if (type === 'string') return this.bytes(this.count(1, LONGEST_TEXT)).toString('utf8');
    const [count, read] = scalarReaders[type];
    const value = (this.bytes(count) as unknown as Record<string, () => number | bigint>)[read]!();
    return type === 'bool' ? value !== 0 : value;
  }

  /** A key, or what a tensor is called. @throws ExportError EXPORT_UNREADABLE where it is none */
  name(): string {
    const found = this.bytes(this.count(1, LONGEST_NAME)).toString('utf8');
    if (isName(found)) return found;
    const en = `a name in its header, up to byte ${this.#at}, is none: it is damaged; fetch or export it again`;
    throw damagedGguf(this.#file, en, `头部在第 ${this.#at} 字节之前的一个名称不成名称：文件已损坏；请重新获取或导出`);
  }

  uint32(): number {
    return this.scalar('uint32') as number;
  }

  /** A 64-bit number of things that take at least so many bytes each. @throws ExportError EXPORT_UNFIT for more than the file can hold */
  count(bytesEach: number, most = LONGEST_LIST): number {
    const value = this.scalar('uint64') as bigint;
    if (value <= BigInt(most) && value * BigInt(bytesEach) <= BigInt(this.size - this.#at)) return Number(value);
    throw damagedGguf(
      this.#file,
      `its header counts ${value} things where ${this.size - this.#at} bytes are left: it is truncated or damaged; fetch or export it again`,
      `头部声称有 ${value} 项，而文件只剩 ${this.size - this.#at} 字节：文件不完整或已损坏；请重新获取或导出`,
    );
  }
}

/** Bytes that an element takes at least. */
export function leastBytes(type: ElementType): number {
  return type === 'string' ? 8 : scalarReaders[type][0];
}

/** Fills the buffer from this place of the file. */
export function readFully(descriptor: number, buffer: Uint8Array, position: number): void {
  for (let done = 0; done < buffer.length; ) {
    const count = readSync(descriptor, buffer, done, buffer.length - done, position + done);
    if (count === 0) throw new Error('the file became shorter while it was read');
    done += count;
  }
}
