/** Duplicates of a build on this machine: signatures on disk, tables in memory. */

import { firstCopies } from './exact-duplicates.ts';
import type { DuplicateFinder } from './finder.ts';
import { similarEnough } from './jaccard.ts';
import type { NearStageOptions } from './near-duplicates.ts';
import { type NearDuplicates, nearDuplicates } from './near-duplicates.ts';
import { type LineOptions, type RepeatedLines, repeatedLines } from './repeated-lines.ts';
import type { Signatures } from './signatures.ts';

export class LocalFinder implements DuplicateFinder {
  readonly #signatures: Signatures;
  readonly #digests: Uint32Array;
  readonly #memory: number;
  readonly #onBand: (done: number, of: number) => void;

  /** @param memory bytes for tables, besides about 60 bytes a document */
  constructor(
    corpus: { signatures: Signatures; digests: Uint32Array },
    memory: number,
    onBand: (done: number, of: number) => void,
  ) {
    this.#signatures = corpus.signatures;
    this.#digests = corpus.digests;
    this.#memory = memory;
    this.#onBand = onBand;
  }

  firstCopies(): Int32Array {
    return firstCopies(this.#digests);
  }

  nearDuplicates(near: NearStageOptions, takesPart: (document: number) => boolean): NearDuplicates {
    const signatures = this.#signatures;
    const memory = this.#memory;
    return nearDuplicates({
      documents: signatures.documents,
      bands: near.bands,
      similarity: near.similarity,
      takesPart,
      readBand: (band, take) => signatures.readBand(band, take),
      setSize: (i) => signatures.setSize(i),
      shinglesOf: (i) => signatures.shingles(i),
      memory,
      onBand: (done) => this.#onBand(done, near.bands),
    });
  }

  alike({ similarity }: NearStageOptions, kept: Int32Array, others: Int32Array): Uint8Array {
    const signatures = this.#signatures;
    let last = -1;
    let set = new Uint32Array(0);
    return Uint8Array.from(kept, (one, i) => {
      if (one !== last) set = new Uint32Array(signatures.shingles(one));
      last = one;
      return similarEnough(set, signatures.shingles(others[i]!), similarity) ? 1 : 0;
    });
  }

  rank(): { quality: Uint32Array; content: Uint32Array } {
    return { quality: this.#signatures.column('quality'), content: this.#signatures.column('content') };
  }

  repeatedLines(options: LineOptions, takesPart: (document: number) => boolean): RepeatedLines {
    return repeatedLines(this.#signatures, options, takesPart, this.#memory);
  }
}
