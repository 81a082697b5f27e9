/** Second pass, in a worker: one shard from spilled lines, compressed in frames, counted, hashed, synced. */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs';
import { DROPS } from './decide.ts';
import type { Document } from './document.ts';
import { LineSet, withoutLines } from './duplicates/site-lines.ts';
import { writeProblem } from './errors.ts';
import { saveResult } from './finished-tasks.ts';
import type { Reject } from './read-unit.ts';
import { SpillReader, writeAll } from './spill.ts';
import { zstdFrame } from './zstd-frames.ts';

/** A spilled line. */
export type Piece = { path: string; offset: number; length: number };

/** Spilled lines for one shard, and what happens to each; columns, since there may be a hundred thousand. */
export type Pieces = {
  paths: string[];
  path: Uint32Array;
  offset: Float64Array;
  length: Uint32Array;
  /** AS_IT_IS, WITHOUT_LINES, or more: the number in `dropped` of Decisions comes on top of WITHOUT_LINES. */
  change: Uint8Array;
  /** The line of the document that is kept for a copy, in the columns of its own; length 0 where there is none. */
  kept: { path: Uint32Array; offset: Float64Array; length: Uint32Array };
};

export const AS_IT_IS = 0;
export const WITHOUT_LINES = 1;

export class PieceList {
  /** Of the lines so far. */
  bytes = 0;
  private readonly paths = new Map<string, number>();
  private readonly change: number[] = [];
  private readonly lines: [path: number, offset: number, length: number][] = [];
  private readonly kept: [path: number, offset: number, length: number][] = [];

  add(piece: Piece, change: number, kept?: Piece): void {
    this.bytes += piece.length;
    this.change.push(change);
    this.lines.push(this.row(piece));
    this.kept.push(kept === undefined ? [0, 0, 0] : this.row(kept));
  }

  finish(): Pieces {
    const columns = (rows: [number, number, number][]) => ({
      path: Uint32Array.from(rows, (row) => row[0]),
      offset: Float64Array.from(rows, (row) => row[1]),
      length: Uint32Array.from(rows, (row) => row[2]),
    });
    const change = Uint8Array.from(this.change);
    return { paths: [...this.paths.keys()], change, ...columns(this.lines), kept: columns(this.kept) };
  }

  private row({ path, offset, length }: Piece): [number, number, number] {
    if (!this.paths.has(path)) this.paths.set(path, this.paths.size);
    return [this.paths.get(path)!, offset, length];
  }
}

/** @property mark where the result is saved @property repeated words of the LineSet of lines to take out */
export type ShardTask = { task: 'write'; path: string; mark: string; pieces: Pieces; repeated?: Uint32Array };

export type ShardResult = {
  documents: number;
  characters: number;
  /** Of the file, and of the JSON lines in it. */
  bytes: number;
  contentBytes: number;
  sha256: string;
  /** Distinct code points of the texts. */
  alphabet: Uint32Array;
};

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
  const output = new FramedFile(task.path);
  const repeated = task.repeated === undefined ? undefined : new LineSet(task.repeated);
  const alphabet = new Set<number>();
  let characters = 0;
  const { paths, path, offset, length, change, kept } = task.pieces;
  try {
    for (let i = 0; i < change.length; i++) {
      const line = reader.read(paths[path[i]!]!, offset[i]!, length[i]!);
      let document = JSON.parse(line.toString()) as Document;
      if (change[i] === WITHOUT_LINES && repeated !== undefined) document = withoutRepeated(document, repeated);
      for (const c of document.text) {
        alphabet.add(c.codePointAt(0)!);
        characters++;
      }
      if (change[i] === AS_IT_IS) output.write(line);
      else if (change[i] === WITHOUT_LINES) output.write(jsonLine(document));
      else {
        const copy =
          kept.length[i] === 0 ? undefined : keptReader.read(paths[kept.path[i]!]!, kept.offset[i]!, kept.length[i]!);
        output.write(rejectLine(document, change[i]! - WITHOUT_LINES, copy));
      }
    }
    const { bytes, contentBytes, sha256 } = output.finish();
    const documents = change.length;
    return { documents, characters, bytes, contentBytes, sha256, alphabet: Uint32Array.from(alphabet) };
  } finally {
    output.close();
  }
}

/** The removal is marked in the document's meta. */
export function withoutRepeated(document: Document, repeated: LineSet): Document {
  const { text, removed } = withoutLines(document, repeated);
  return { ...document, text, meta: { ...document.meta, repeatedLines: String(removed) } };
}

/** @param why as in `dropped` of Decisions @param copy the line of the document that is kept for it */
export function rejectLine(document: Document, why: number, copy: Buffer | undefined): Buffer {
  const kept = copy === undefined ? {} : { kept: (JSON.parse(copy.toString()) as Document).id };
  const reject: Reject = { ...document, ...DROPS[why - 1]!, ...kept };
  return jsonLine(reject);
}

function jsonLine(value: Document | Reject): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

/** A .zst file written in frames of about 1 MiB of content, so that a reader needs little memory. */
class FramedFile {
  private readonly path: string;
  private readonly file: number;
  private readonly hash = createHash('sha256');
  private frame = Buffer.alloc(2 * FRAME_BYTES);
  private frameBytes = 0;
  private bytes = 0;
  private contentBytes = 0;

  constructor(path: string) {
    this.path = path;
    try {
      this.file = openSync(path, 'w');
    } catch (error) {
      throw writeProblem(path, error);
    }
  }

  /** Copies the line: it may be a view of a larger buffer that should not live as long as the frame. */
  write(line: Buffer): void {
    const end = this.frameBytes + line.length;
    if (end > this.frame.length) this.frame = Buffer.concat([this.frame], 2 * end);
    line.copy(this.frame, this.frameBytes);
    this.frameBytes = end;
    if (end >= FRAME_BYTES) this.flush();
  }

  finish() {
    this.flush();
    fsyncSync(this.file);
    return { bytes: this.bytes, contentBytes: this.contentBytes, sha256: this.hash.digest('hex') };
  }

  close(): void {
    closeSync(this.file);
  }

  private flush(): void {
    if (this.frameBytes === 0) return;
    const compressed = zstdFrame(this.frame.subarray(0, this.frameBytes));
    writeAll(this.file, compressed, this.path);
    this.hash.update(compressed);
    this.bytes += compressed.length;
    this.contentBytes += this.frameBytes;
    this.frameBytes = 0;
  }
}
