/** Everything known about the documents that passed the document stages, numbered in recipe order; texts stay on disk. */
import type { Document } from '../document.ts';
import { RecordIndex } from '../duplicates/record-index.ts';
import { Signatures } from '../duplicates/signatures.ts';
import { SpillReader } from '../reading/spill.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { spillPath, type UnitResult } from './read-unit.ts';
import type { Piece } from './write-shard.ts';

/** What the decisions, counts and shards of a build ask of the documents that passed, wherever their texts are. */
export type PassedDocuments = Pick<
  SpilledCorpus,
  'documents' | 'existing' | 'digests' | 'characters' | 'units' | 'unitOf' | 'piece' | 'rejects' | 'document'
>;

export class SpilledCorpus implements Disposable {
  readonly documents: number;
  readonly signatures: Signatures;
  /** 128-bit content digests, four words a document. */
  readonly digests: Uint32Array;
  /** Code points of each text. */
  readonly characters: Uint32Array;
  readonly units: UnitResult[];
  readonly #folder: string;
  readonly #reader = new SpillReader();
  readonly #lines: RecordIndex;

  /** Units and documents at the beginning that belong to a corpus which is being added to. */
  readonly existing: { units: number; documents: number };

  constructor(recipe: Recipe, units: UnitResult[], folder: string, existingUnits = 0) {
    this.#folder = folder;
    this.characters = concat(units.map((unit) => unit.characters));
    this.documents = this.characters.length;
    const counts = units.map((unit) => unit.lengths.length);
    const documents = counts.slice(0, existingUnits).reduce((n, count) => n + count, 0);
    this.existing = { units: existingUnits, documents };
    const lengths = concat(units.map((unit) => unit.lengths));
    this.#lines = new RecordIndex(counts, lengths);
    let end = 0;
    // Views of the whole, so that the numbers of the units are held once.
    this.units = units.map((unit, i) => {
      const start = end;
      end += counts[i]!;
      return { ...unit, lengths: lengths.subarray(start, end), characters: this.characters.subarray(start, end) };
    });
    this.signatures = new Signatures(
      recipe,
      folder,
      units.map(({ index, lengths }) => ({ index, documents: lengths.length })),
    );
    this.digests = this.signatures.digests();
  }

  unitOf(document: number): number {
    return this.#lines.unitOf(document);
  }

  /** Where the finished JSON line of a document lies. */
  piece(document: number): Piece {
    const { unit, offset, length } = this.#lines.locate(document);
    return { path: spillPath(this.#folder, this.units[unit]!.index, 'documents'), offset, length };
  }

  /** The rejects of a unit, in file order. */
  rejects(unit: number): Piece[] {
    const path = spillPath(this.#folder, unit, 'rejects');
    let offset = 0;
    return Array.from(this.units[unit]!.rejectLengths, (length) => {
      const piece = { path, offset, length };
      offset += length;
      return piece;
    });
  }

  document(document: number): Document {
    const { path, offset, length } = this.piece(document);
    return JSON.parse(this.#reader.read(path, offset, length).toString()) as Document;
  }

  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
    this.signatures[Symbol.dispose]();
  }
}

/** All numbers of the parts, one part after another. */
export function concat(parts: Uint32Array[]): Uint32Array {
  const whole = new Uint32Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
