/**
 * What the decisions over a whole corpus know of each document, written by the workers unit by unit: a signature file of
 * numbers, the shingle sets and the lines. Files of a unit stand side by side in the work folder of a build.
 */
import { join } from 'node:path';
import type { Document } from '../document.ts';
import { SpillReader, SpillWriter } from '../reading/spill.ts';
import type { NearStageOptions } from './near-duplicates.ts';
import { RecordIndex } from './record-index.ts';
import { BandHasher, contentDigest, contentUnits, shingles } from './shingles.ts';
import { readColumn, readColumns, type SignatureFile, SignatureWriter } from './signature-file.ts';
import { LINE_WORDS, lineRecords, siteHash, siteOf } from './site-lines.ts';

/** Columns of a signature; band keys follow. */
export const COLUMN = { digest: 0, content: 4, quality: 5, site: 6, lines: 7, set: 8, keys: 9 } as const;

interface Needs {
  ngram: number;
  bands: number;
  rows: number;
  near: boolean;
  lines: boolean;
}

/** What of a recipe says what a signature must hold. */
export interface Staged {
  readonly stages: readonly { readonly use: string }[];
}

function needsOf({ stages }: Staged): Needs {
  const near = stages.find((stage): stage is NearStageOptions => stage.use === 'near-duplicates');
  const lines = stages.some((stage) => stage.use === 'repeated-lines');
  return { ngram: near?.ngram ?? 0, bands: near?.bands ?? 0, rows: near?.rows ?? 0, near: near !== undefined, lines };
}

export function signaturePath(folder: string, unit: number, kind: 'signatures' | 'shingles' | 'lines'): string {
  return join(folder, `${String(unit).padStart(6, '0')}.${kind}`);
}

/** The numbers of one document, its shingle set and its line records; what the recipe has no stage for is empty. */
export interface Signature {
  row: Uint32Array;
  set: Uint32Array;
  lines: Uint32Array;
}

/** Computes signatures. The row is overwritten by the next one. */
class SignatureMaker {
  readonly columns: number;
  readonly #needs: Needs;
  readonly #hasher: BandHasher | undefined;
  readonly #row: Uint32Array;

  constructor(recipe: Staged) {
    this.#needs = needsOf(recipe);
    const { near, bands, rows } = this.#needs;
    this.#hasher = near ? new BandHasher(bands, rows) : undefined;
    this.columns = COLUMN.keys + bands;
    this.#row = new Uint32Array(this.columns);
  }

  /** @param body the text without its title: duplicates are judged by it alone */
  sign(document: Document, body: string): Signature {
    const row = this.#row;
    const units = contentUnits(body);
    const site = siteHash(siteOf(document));
    row.set(contentDigest(units), COLUMN.digest);
    row[COLUMN.content] = units.length;
    row[COLUMN.quality] = qualityOf(document);
    row[COLUMN.site] = site;
    const lines = this.#needs.lines ? lineRecords(site, document.text) : NONE;
    row[COLUMN.lines] = lines.length / LINE_WORDS;
    const set = this.#hasher === undefined ? NONE : shingles(units, this.#needs.ngram);
    row[COLUMN.set] = set.length;
    this.#hasher?.hash(set, row, COLUMN.keys);
    return { row, set, lines };
  }
}

const NONE = new Uint32Array(0);

/** Signs the documents of one unit into its files, in a worker. */
export class Signer implements Disposable {
  readonly #maker: SignatureMaker;
  readonly #signatures: SignatureWriter;
  readonly #sets: SpillWriter | undefined;
  readonly #lines: SpillWriter | undefined;

  constructor(recipe: Staged, folder: string, unit: number) {
    const { near, lines } = needsOf(recipe);
    this.#maker = new SignatureMaker(recipe);
    this.#signatures = new SignatureWriter(signaturePath(folder, unit, 'signatures'), this.#maker.columns);
    this.#sets = near ? new SpillWriter(signaturePath(folder, unit, 'shingles')) : undefined;
    this.#lines = lines ? new SpillWriter(signaturePath(folder, unit, 'lines')) : undefined;
  }

  add(document: Document, body: string): void {
    const { row, set, lines } = this.#maker.sign(document, body);
    this.#signatures.write(row);
    this.#sets?.write(bytesOf(set));
    this.#lines?.write(bytesOf(lines));
  }

  finish(): void {
    this.#signatures.finish();
    this.#sets?.finish();
    this.#lines?.finish();
  }

  [Symbol.dispose](): void {
    this.#signatures[Symbol.dispose]();
    this.#sets?.[Symbol.dispose]();
    this.#lines?.[Symbol.dispose]();
  }
}

/** The score that stage `quality` gave, in millionths, so that it fits a column; 0 where there is none. */
function qualityOf({ meta }: Document): number {
  const score = Number(meta.quality);
  return Number.isFinite(score) ? Math.round(Math.min(1, Math.max(0, score)) * 1e6) : 0;
}

function bytesOf(words: Uint32Array): Buffer {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength);
}

/** The signatures of all documents, numbered through the units in order. */
export class Signatures implements Disposable {
  readonly documents: number;
  readonly bands: number;
  readonly #folder: string;
  readonly #units: readonly { index: number; documents: number }[];
  readonly #columns: number;
  readonly #reader = new SpillReader();
  #sets: RecordIndex | undefined;

  /** @param units index and number of documents of each unit, in order */
  constructor(recipe: Staged, folder: string, units: readonly { index: number; documents: number }[]) {
    this.bands = needsOf(recipe).bands;
    this.#columns = COLUMN.keys + this.bands;
    this.#folder = folder;
    this.#units = units;
    this.documents = units.reduce((n, unit) => n + unit.documents, 0);
  }

  /** 128-bit content digests, four words a document. */
  digests(): Uint32Array {
    const all = new Uint32Array(4 * this.documents);
    for (const { row, pieces } of readColumns(this.files('signatures'), this.#columns, COLUMN.digest, 4)) {
      for (const [c, words] of pieces.entries())
        for (let i = 0; i < words.length; i++) all[4 * (row + i) + c] = words[i]!;
    }
    return all;
  }

  /** One number of every document: content characters, quality in millionths, hash of the site, number of lines. */
  column(name: 'content' | 'quality' | 'site' | 'lines'): Uint32Array {
    return readColumn(this.files('signatures'), this.#columns, COLUMN[name]);
  }

  readBand(band: number, take: (first: number, keys: Uint32Array) => void): void {
    for (const { row, pieces } of readColumns(this.files('signatures'), this.#columns, COLUMN.keys + band, 1)) {
      take(row, pieces[0]!);
    }
  }

  setSize(document: number): number {
    return this.#setIndex().length(document) / 4;
  }

  /** The ascending shingle set of a document. */
  shingles(document: number): Uint32Array {
    const { unit, offset, length } = this.#setIndex().locate(document);
    const path = signaturePath(this.#folder, this.#units[unit]!.index, 'shingles');
    return new Uint32Array(this.#reader.read(path, offset, length).buffer, 0, length / 4);
  }

  /** The whole signature of each document, in order. */
  *rows(): Generator<Uint32Array> {
    for (const { pieces } of readColumns(this.files('signatures'), this.#columns, 0, this.#columns)) {
      for (let i = 0; i < pieces[0]!.length; i++) yield Uint32Array.from(pieces, (piece) => piece[i]!);
    }
  }

  /** Files of line records, in order, with the number of documents in each. */
  files(kind: 'signatures' | 'lines'): SignatureFile[] {
    return this.#units.map(({ index, documents }) => ({
      path: signaturePath(this.#folder, index, kind),
      rows: documents,
    }));
  }

  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]();
  }

  #setIndex(): RecordIndex {
    if (this.#sets === undefined) {
      const lengths = readColumn(this.files('signatures'), this.#columns, COLUMN.set);
      for (let i = 0; i < lengths.length; i++) lengths[i]! *= 4;
      const counts = this.#units.map((unit) => unit.documents);
      this.#sets = new RecordIndex(counts, lengths);
    }
    return this.#sets;
  }
}
