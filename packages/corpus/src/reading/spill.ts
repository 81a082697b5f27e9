/** Temporary files between the two passes: records appended one after another, read back by offset and length. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { writeProblem } from '../errors.ts';

const BLOCK_BYTES = 1 << 20;

/** A new empty file, or the old one emptied. @throws CorpusError CORPUS_OUTPUT with what the system refuses */
export function openForWriting(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    throw writeProblem(path, error);
  }
}

/** Appends records in blocks and remembers their lengths. */
export class SpillWriter implements Disposable {
  readonly #path: string;
  readonly #file: number;
  readonly #lengths: number[] = [];
  #block: Buffer[] = [];
  #blockBytes = 0;

  constructor(path: string) {
    this.#path = path;
    this.#file = openForWriting(path);
  }

  write(record: Buffer): void {
    this.#lengths.push(record.length);
    this.#block.push(record);
    this.#blockBytes += record.length;
    if (this.#blockBytes >= BLOCK_BYTES) this.#flush();
  }

  /** Writes what is left; lengths in bytes of all records. */
  finish(): Uint32Array {
    this.#flush();
    return Uint32Array.from(this.#lengths);
  }

  #flush(): void {
    writeAll(this.#file, Buffer.concat(this.#block), this.#path);
    this.#block = [];
    this.#blockBytes = 0;
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** Writes all bytes or throws: writeSync may write less than it was given. */
export function writeAll(file: number, bytes: Buffer, path: string): void {
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  } catch (error) {
    throw writeProblem(path, error);
  }
}

/** Reads by position, keeping few files open at a time. `readAhead` bytes at once serve records read in file order. */
export class SpillReader implements Disposable {
  readonly #open = new Map<string, number>();
  readonly #readAhead: number;
  #window = { path: '', start: 0, bytes: Buffer.from(new ArrayBuffer(0)) };

  constructor(readAhead = 0) {
    this.#readAhead = readAhead;
  }

  /** The bytes of one record; with read-ahead a view that later reads leave alone. */
  read(path: string, offset: number, length: number): Buffer<ArrayBuffer> {
    const window = this.#window;
    const at = offset - window.start;
    if (path === window.path && at >= 0 && at + length <= window.bytes.length) {
      return window.bytes.subarray(at, at + length);
    }
    const bytes = Buffer.from(new ArrayBuffer(Math.max(length, this.#readAhead)));
    const got = readSync(this.#file(path), bytes, 0, bytes.length, offset);
    if (got < length) throw new Error(`${path} changed while it was read`);
    if (this.#readAhead > 0) this.#window = { path, start: offset, bytes: bytes.subarray(0, got) };
    return bytes.subarray(0, length);
  }

  #file(path: string): number {
    const known = this.#open.get(path);
    if (known !== undefined) return known;
    if (this.#open.size >= 64) {
      const [oldest, file] = this.#open.entries().next().value!;
      closeSync(file);
      this.#open.delete(oldest);
    }
    const file = openSync(path, 'r');
    this.#open.set(path, file);
    return file;
  }

  [Symbol.dispose](): void {
    for (const file of this.#open.values()) closeSync(file);
    this.#open.clear();
  }
}
