/**
 * Numbers about documents on disk, a column a number: rows are appended in document order, and a later pass reads one
 * column of all documents without the others. A block holds BLOCK_ROWS rows, column after column, so that neither side
 * needs more memory than one block. Values are 32 bits, in the byte order of the machine: the files are temporary.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { writeProblem } from '../errors.ts';
import { writeAll } from '../reading/spill.ts';

const BLOCK_ROWS = 4096;

export class SignatureWriter implements Disposable {
  readonly #path: string;
  readonly #file: number;
  readonly #columns: number;
  readonly #block: Uint32Array;
  #rows = 0;

  constructor(path: string, columns: number) {
    this.#path = path;
    this.#columns = columns;
    this.#block = new Uint32Array(columns * BLOCK_ROWS);
    try {
      this.#file = openSync(path, 'w');
    } catch (error) {
      throw writeProblem(path, error);
    }
  }

  /** Appends one row of `columns` values. */
  write(row: Uint32Array): void {
    for (let c = 0; c < this.#columns; c++) this.#block[c * BLOCK_ROWS + this.#rows] = row[c]!;
    if (++this.#rows === BLOCK_ROWS) this.#flush(this.#block);
  }

  finish(): void {
    if (this.#rows === 0) return;
    const last = new Uint32Array(this.#columns * this.#rows);
    for (let c = 0; c < this.#columns; c++) {
      last.set(this.#block.subarray(c * BLOCK_ROWS, c * BLOCK_ROWS + this.#rows), c * this.#rows);
    }
    this.#flush(last);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  #flush(values: Uint32Array): void {
    writeAll(this.#file, Buffer.from(values.buffer), this.#path);
    this.#rows = 0;
  }
}

/** A file that a SignatureWriter finished, and how many rows it holds. */
export interface SignatureFile {
  path: string;
  rows: number;
}

/** `count` neighbouring columns from `first` of every file, in order, block by block; the pieces hold until the next block. */
export function* readColumns(
  files: readonly SignatureFile[],
  columns: number,
  first: number,
  count: number,
): Generator<{ row: number; pieces: Uint32Array[] }> {
  const buffer = new Uint32Array(BLOCK_ROWS * count);
  let row = 0;
  for (const { path, rows } of files) {
    if (rows === 0) continue;
    const file = openSync(path, 'r');
    try {
      for (let start = 0; start < rows; start += BLOCK_ROWS) {
        const size = Math.min(BLOCK_ROWS, rows - start);
        const bytes = new Uint8Array(buffer.buffer, 0, 4 * size * count);
        const got = readSync(file, bytes, 0, bytes.length, 4 * (start * columns + first * size));
        if (got < bytes.length) throw new Error(`${path} changed while it was read`);
        yield { row, pieces: Array.from({ length: count }, (_, c) => buffer.subarray(c * size, (c + 1) * size)) };
        row += size;
      }
    } finally {
      closeSync(file);
    }
  }
}

/** One column of all documents. */
export function readColumn(files: readonly SignatureFile[], columns: number, column: number): Uint32Array {
  const all = new Uint32Array(files.reduce((n, file) => n + file.rows, 0));
  for (const { row, pieces } of readColumns(files, columns, column, 1)) all.set(pieces[0]!, row);
  return all;
}
