/** Second pass, in a worker: one shard from spilled lines, compressed in frames, counted, hashed, synced. */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync } from 'node:fs';
import type { Document } from './document.ts';
import { writeProblem } from './errors.ts';
import type { Reject } from './read-unit.ts';
import { SpillReader, writeAll } from './spill.ts';
import { zstdFrame } from './zstd-frames.ts';

/** A spilled line; `kept` is the line of the document that this one repeats. */
export type Piece = { path: string; offset: number; length: number; kept?: Piece };

export type ShardTask = { task: 'write'; path: string; pieces: Piece[] };

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

export function writeShard(task: ShardTask): ShardResult {
  using reader = new SpillReader(READ_AHEAD_BYTES);
  using keptReader = new SpillReader();
  const output = new FramedFile(task.path);
  const alphabet = new Set<number>();
  let characters = 0;
  try {
    for (const piece of task.pieces) {
      const line = reader.read(piece.path, piece.offset, piece.length);
      const document = JSON.parse(line.toString()) as Document;
      for (const c of document.text) {
        alphabet.add(c.codePointAt(0)!);
        characters++;
      }
      output.write(piece.kept === undefined ? line : duplicateLine(document, piece.kept, keptReader));
    }
    const { bytes, contentBytes, sha256 } = output.finish();
    const documents = task.pieces.length;
    return { documents, characters, bytes, contentBytes, sha256, alphabet: Uint32Array.from(alphabet) };
  } finally {
    output.close();
  }
}

function duplicateLine(document: Document, keptPiece: Piece, reader: SpillReader): Buffer {
  const kept = JSON.parse(reader.read(keptPiece.path, keptPiece.offset, keptPiece.length).toString()) as Document;
  const reject: Reject = { ...document, stage: 'exact-duplicates', reason: 'duplicate', kept: kept.id };
  return Buffer.from(`${JSON.stringify(reject)}\n`);
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
