/** Everything known about the documents that passed the document stages, numbered in recipe order; texts stay on disk. */
import type { Document } from './document.ts';
import { spillPath, type UnitResult } from './read-unit.ts';
import type { SpillReader } from './spill.ts';
import type { Piece } from './write-shard.ts';

export class SpilledCorpus {
  readonly documents: number;
  /** 128-bit content digests, four words a document. */
  readonly digests: Uint32Array;
  /** Band keys, the same number for each document. */
  readonly keys: Uint32Array;
  /** Code points of each text. */
  readonly characters: Uint32Array;
  readonly units: UnitResult[];
  private readonly folder: string;
  private readonly reader: SpillReader;
  private readonly unit: Uint32Array;
  private readonly offset: Float64Array;
  private readonly length: Uint32Array;
  private readonly setOffset: Float64Array;
  private readonly setSize: Uint32Array;

  constructor(units: UnitResult[], folder: string, reader: SpillReader) {
    this.units = units;
    this.folder = folder;
    this.reader = reader;
    this.digests = concat(units.map((unit) => unit.digests));
    this.keys = concat(units.map((unit) => unit.keys));
    this.characters = concat(units.map((unit) => unit.characters));
    this.length = concat(units.map((unit) => unit.lengths));
    this.setSize = concat(units.map((unit) => unit.setSizes));
    this.documents = this.length.length;
    this.unit = new Uint32Array(this.documents);
    this.offset = new Float64Array(this.documents);
    this.setOffset = new Float64Array(this.documents);
    let document = 0;
    for (const { index, lengths, setSizes } of units) {
      let [offset, setOffset] = [0, 0];
      for (let i = 0; i < lengths.length; i++, document++) {
        this.unit[document] = index;
        this.offset[document] = offset;
        this.setOffset[document] = setOffset;
        offset += lengths[i]!;
        setOffset += 4 * (setSizes[i] ?? 0);
      }
    }
  }

  unitOf(document: number): number {
    return this.unit[document]!;
  }

  /** Where the finished JSON line of a document lies. */
  piece(document: number): Piece {
    const path = spillPath(this.folder, this.unit[document]!, 'documents');
    return { path, offset: this.offset[document]!, length: this.length[document]! };
  }

  /** The rejects of a unit, in file order. */
  rejects(unit: number): Piece[] {
    const path = spillPath(this.folder, unit, 'rejects');
    let offset = 0;
    return Array.from(this.units[unit]!.rejectLengths, (length) => {
      const piece = { path, offset, length };
      offset += length;
      return piece;
    });
  }

  document(document: number): Document {
    const { path, offset, length } = this.piece(document);
    return JSON.parse(this.reader.read(path, offset, length).toString()) as Document;
  }

  /** The ascending shingle set of a document. */
  shingles(document: number): Uint32Array {
    const path = spillPath(this.folder, this.unit[document]!, 'shingles');
    const size = this.setSize[document]!;
    return new Uint32Array(this.reader.read(path, this.setOffset[document]!, 4 * size).buffer, 0, size);
  }
}

function concat(parts: Uint32Array[]): Uint32Array {
  const whole = new Uint32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
