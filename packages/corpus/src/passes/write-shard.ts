/** Second pass, in a worker: one shard from spilled lines, compressed in frames, counted, hashed, synced. */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, rmSync } from 'node:fs';
import type { Document } from '../document.ts';
import { LineSet, withoutLines } from '../duplicates/site-lines.ts';
import { openForWriting, SpillReader, writeAll } from '../reading/spill.ts';
import { zstdFrame } from '../reading/zstd-frames.ts';
import { DROPS } from './decide.ts';
import { saveResult } from './finished-tasks.ts';
import type { Reject } from './tally.ts';

/** A spilled line. */
export interface Piece {
  path: string;
  offset: number;
  length: number;
}

/** Spilled lines for one shard, and what happens to each; columns, since there may be a hundred thousand. */
export interface Pieces {
  paths: string[];
  path: Uint32Array;
  offset: Float64Array;
  length: Uint32Array;
  /** AS_IT_IS, WITHOUT_LINES, or more: the number in `dropped` of Decisions comes on top of WITHOUT_LINES. */
  change: Uint8Array;
  /** The line of the document that is kept for a copy, length 0 where there is none; no rows where there are no copies. */
  kept: { path: Uint32Array; offset: Float64Array; length: Uint32Array };
}

export const AS_IT_IS = 0;
export const WITHOUT_LINES = 1;

/** Collects the lines of a shard; in typed columns, since a corpus has many lines and objects would outgrow them all. */
export class PieceList {
  /** Of the lines so far. */
  bytes = 0;
  readonly #paths = new Map<string, number>();
  #change = new Uint8Array(1024);
  #rows = 0;
  readonly #lines = new PieceColumns();
  readonly #kept = new PieceColumns();
  #copies = false;

  add(piece: Piece, change: number, kept?: Piece): void {
    if (this.#rows === this.#change.length) this.#change = longer(this.#change, new Uint8Array(2 * this.#rows));
    this.#change[this.#rows] = change;
    this.bytes += piece.length;
    this.#lines.set(this.#rows, this.#pathNumber(piece.path), piece.offset, piece.length);
    if (kept !== undefined) {
      this.#kept.set(this.#rows, this.#pathNumber(kept.path), kept.offset, kept.length);
      this.#copies = true;
    }
    this.#rows++;
  }

  finish(): Pieces {
    return {
      paths: [...this.#paths.keys()],
      change: this.#change.slice(0, this.#rows),
      ...this.#lines.finish(this.#rows),
      kept: this.#kept.finish(this.#copies ? this.#rows : 0),
    };
  }

  #pathNumber(path: string): number {
    const known = this.#paths.get(path);
    if (known !== undefined) return known;
    this.#paths.set(path, this.#paths.size);
    return this.#paths.size - 1;
  }
}

class PieceColumns {
  #path = new Uint32Array(1024);
  #offset = new Float64Array(1024);
  #length = new Uint32Array(1024);

  /** Rows that are left out are of length 0. */
  set(row: number, path: number, offset: number, length: number): void {
    if (row >= this.#path.length) {
      const size = 2 ** Math.ceil(Math.log2(row + 2));
      this.#path = longer(this.#path, new Uint32Array(size));
      this.#offset = longer(this.#offset, new Float64Array(size));
      this.#length = longer(this.#length, new Uint32Array(size));
    }
    this.#path[row] = path;
    this.#offset[row] = offset;
    this.#length[row] = length;
  }

  finish(rows: number) {
    const cut = <Column extends Uint32Array | Float64Array>(column: Column, empty: Column): Column => {
      empty.set(column.subarray(0, Math.min(rows, column.length)));
      return empty;
    };
    return {
      path: cut(this.#path, new Uint32Array(rows)),
      offset: cut(this.#offset, new Float64Array(rows)),
      length: cut(this.#length, new Uint32Array(rows)),
    };
  }
}

function longer<Column extends Uint8Array | Uint32Array | Float64Array>(old: Column, fresh: Column): Column {
  fresh.set(old);
  return fresh;
}

/** @property mark where the result is saved @property repeated words of the LineSet of lines to take out */
export interface ShardTask {
  task: 'write';
  path: string;
  mark: string;
  pieces: Pieces;
  repeated?: Uint32Array;
}

export interface ShardResult {
  documents: number;
  characters: number;
  /** Of the file, and of the JSON lines in it. */
  bytes: number;
  contentBytes: number;
  sha256: string;
  /** Distinct code points of the texts. */
  alphabet: Uint32Array;
  /** Names of the fields of meta. */
  metaFields: string[];
}

const FRAME_BYTES = 1 << 20;
const READ_AHEAD_BYTES = 1 << 17;

/** Writes a shard and marks it as done. */
export function writeShard(task: ShardTask): ShardResult {
  rmSync(task.mark, { force: true });
  const result = writeLines(task);
  saveResult(task.mark, result, [task.path]);
  return result;
}

function writeLines(task: ShardTask): ShardResult {
  using reader = new SpillReader(READ_AHEAD_BYTES);
  using keptReader = new SpillReader();
  const writer = new ShardWriter(task.path, task.repeated === undefined ? undefined : new LineSet(task.repeated));
  const { paths, path, offset, length, change, kept } = task.pieces;
  try {
    for (let i = 0; i < change.length; i++) {
      const size = kept.length[i] ?? 0;
      const copy = size === 0 ? undefined : keptReader.read(paths[kept.path[i]!]!, kept.offset[i]!, size);
      const keptId = copy === undefined ? undefined : (JSON.parse(copy.toString()) as Document).id;
      writer.add(reader.read(paths[path[i]!]!, offset[i]!, length[i]!), change[i]!, keptId);
    }
    return writer.finish();
  } finally {
    writer.close();
  }
}

/** One shard: its lines as they come, each changed as it was decided, and what it holds in the end. */
export class ShardWriter {
  readonly #output: FramedFile;
  readonly #repeated: LineSet | undefined;
  readonly #alphabet = new Set<number>();
  readonly #metaFields = new Set<string>();
  #documents = 0;
  #characters = 0;

  /** @param repeated lines to take out of documents WITHOUT_LINES */
  constructor(path: string, repeated?: LineSet) {
    this.#output = new FramedFile(path);
    this.#repeated = repeated;
  }

  /** @param line with its newline @param change as in Pieces @param kept id of the document that is kept for a copy */
  add(line: Buffer, change: number, kept?: string): void {
    let document = JSON.parse(line.toString()) as Document;
    if (change === WITHOUT_LINES && this.#repeated !== undefined) document = withoutRepeated(document, this.#repeated);
    this.#documents++;
    for (const field in document.meta) this.#metaFields.add(field);
    for (const c of document.text) {
      this.#alphabet.add(c.codePointAt(0)!);
      this.#characters++;
    }
    if (change === AS_IT_IS) this.#output.write(line);
    else if (change === WITHOUT_LINES) this.#output.write(jsonLine(document));
    else this.#output.write(rejectLine(document, change - WITHOUT_LINES, kept));
  }

  finish(): ShardResult {
    const documents = this.#documents;
    const characters = this.#characters;
    const alphabet = Uint32Array.from(this.#alphabet);
    return { documents, characters, ...this.#output.finish(), alphabet, metaFields: [...this.#metaFields] };
  }

  close(): void {
    this.#output.close();
  }
}

/** The removal is marked in the document's meta. */
function withoutRepeated(document: Document, repeated: LineSet): Document {
  const { text, removed } = withoutLines(document, repeated);
  return { ...document, text, meta: { ...document.meta, repeatedLines: String(removed) } };
}

/** @param why as in `dropped` of Decisions @param kept id of the document that is kept for it */
function rejectLine(document: Document, why: number, kept: string | undefined): Buffer {
  const reject: Reject = { ...document, ...DROPS[why - 1]!, ...(kept === undefined ? {} : { kept }) };
  return jsonLine(reject);
}

function jsonLine(value: Document | Reject): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

/** A .zst file written in frames of about 1 MiB of content, so that a reader needs little memory. */
export class FramedFile {
  readonly #path: string;
  readonly #file: number;
  readonly #hash = createHash('sha256');
  #frame = Buffer.alloc(2 * FRAME_BYTES);
  #frameBytes = 0;
  #bytes = 0;
  #contentBytes = 0;

  constructor(path: string) {
    this.#path = path;
    this.#file = openForWriting(path);
  }

  /** Copies the line: it may be a view of a larger buffer that should not live as long as the frame. */
  write(line: Buffer): void {
    const end = this.#frameBytes + line.length;
    if (end > this.#frame.length) this.#frame = Buffer.concat([this.#frame], 2 * end);
    line.copy(this.#frame, this.#frameBytes);
    this.#frameBytes = end;
    if (end >= FRAME_BYTES) this.#flush();
  }

  finish() {
    this.#flush();
    fsyncSync(this.#file);
    return { bytes: this.#bytes, contentBytes: this.#contentBytes, sha256: this.#hash.digest('hex') };
  }

  close(): void {
    closeSync(this.#file);
  }

  #flush(): void {
    if (this.#frameBytes === 0 && this.#bytes > 0) return; // a file of nothing is one empty frame
    const compressed = zstdFrame(this.#frame.subarray(0, this.#frameBytes));
    writeAll(this.#file, compressed, this.#path);
    this.#hash.update(compressed);
    this.#bytes += compressed.length;
    this.#contentBytes += this.#frameBytes;
    this.#frameBytes = 0;
  }
}
