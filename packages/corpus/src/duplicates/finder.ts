/** What finds duplicates: tables of this process (local-finder.ts), or the joins of a cluster. */
import type { NearDuplicates, NearStageOptions } from './near-duplicates.ts';
import type { LineOptions, RepeatedLines } from './repeated-lines.ts';

/** Finds what is alike among the documents of a corpus: in this process, or by the joins of a cluster. */
export interface DuplicateFinder {
  /** For each document the index of the first one with the same content. */
  firstCopies(): Int32Array;
  /** Clusters the documents that take part. */
  nearDuplicates(
    options: NearStageOptions,
    takesPart: (document: number) => boolean,
  ): NearDuplicates | Promise<NearDuplicates>;
  /** Which pairs of documents are alike: 1 for those that are. */
  alike(options: NearStageOptions, kept: Int32Array, others: Int32Array): Uint8Array | Promise<Uint8Array>;
  /** What the best document of a cluster is chosen by. */
  rank(): { quality: Uint32Array; content: Uint32Array };
  /** Lines that many documents of one site share, counted and removed in those that take part. */
  repeatedLines(options: LineOptions, takesPart: (document: number) => boolean): RepeatedLines | Promise<RepeatedLines>;
}
