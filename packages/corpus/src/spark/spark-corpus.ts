/** The documents of a build on Spark: their numbers are here, their texts stay in its tables. */
import { deserialize } from 'node:v8';
import type { Document } from '../document.ts';
import { RecordIndex } from '../duplicates/record-index.ts';
import type { UnitResult } from '../passes/read-unit.ts';
import { concat, type PassedDocuments } from '../passes/spilled-corpus.ts';
import type { Piece } from '../passes/write-shard.ts';
import { UNIT_SPAN } from './job.ts';
import type { UnitNumbers } from './read-rows.ts';

export class SparkCorpus implements PassedDocuments {
  readonly documents: number;
  readonly existing = { units: 0, documents: 0 };
  readonly digests: Uint32Array;
  readonly characters: Uint32Array;
  readonly quality: Uint32Array;
  readonly content: Uint32Array;
  readonly units: UnitResult[];
  readonly #firsts: number[] = [];
  readonly #lines: RecordIndex;
  readonly #named = new Map<number, Document>();

  /** @param numbers of every unit, in order */
  constructor(numbers: string[]) {
    const units = numbers.map((text) => deserialize(Buffer.from(text, 'base64')) as UnitNumbers);
    this.units = units.map(({ result }) => result);
    let documents = 0;
    for (const { lengths } of this.units) {
      this.#firsts.push(documents);
      documents += lengths.length;
    }
    this.documents = documents;
    this.digests = concat(units.map((unit) => unit.digests));
    this.quality = concat(units.map((unit) => unit.quality));
    this.content = concat(units.map((unit) => unit.content));
    this.characters = concat(this.units.map((unit) => unit.characters));
    this.#lines = new RecordIndex(
      this.units.map((unit) => unit.lengths.length),
      concat(this.units.map((unit) => unit.lengths)),
    );
  }

  unitOf(document: number): number {
    return this.#lines.unitOf(document);
  }

  /** Not a place in a file but in the tables: the kind of row, then its unit; the offset is its place there. */
  piece(document: number): Piece {
    const unit = this.unitOf(document);
    return { path: `document ${unit}`, offset: document - this.#firsts[unit]!, length: this.#lines.length(document) };
  }

  rejects(unit: number): Piece[] {
    return Array.from(this.units[unit]!.rejectLengths, (length, offset) => ({
      path: `reject ${unit}`,
      offset,
      length,
    }));
  }

  /** One of those that were named. */
  document(document: number): Document {
    const known = this.#named.get(document);
    if (known === undefined) throw new Error(`document ${document} was not asked of Spark`);
    return known;
  }

  remember(document: number, value: Document): void {
    this.#named.set(document, value);
  }

  /** The number by which the SQL knows a document, and back. */
  sqlNumber(document: number): number {
    const unit = this.unitOf(document);
    return unit * UNIT_SPAN + (document - this.#firsts[unit]!);
  }

  ofSqlNumber(number: number): number {
    return this.#firsts[Math.floor(number / UNIT_SPAN)]! + (number % UNIT_SPAN);
  }
}
