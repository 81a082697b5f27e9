/** What finds duplicates: tables of this process (local-finder.ts), or the joins of a cluster. */
import type { CorpusStageOptions } from '../recipe/recipe-stages.ts';
import type { NearDuplicates } from './near-duplicates.ts';
import type { LineOptions, RepeatedLines } from './repeated-lines.ts';

export type NearOptionsOf = Extract<CorpusStageOptions, { use: 'near-duplicates' }>;

/** Finds what is alike among the documents of a corpus: in this process, or by the joins of a cluster. */
export interface DuplicateFinder {
  /** For each document the index of the first one with the same content. */
  firstCopies(): Int32Array;
  /** Clusters the documents that take part. */
  nearDuplicates(
    options: NearOptionsOf,
    takesPart: (document: number) => boolean,
  ): NearDuplicates | Promise<NearDuplicates>;
  /** Which pairs of documents are alike: 1 for those that are. */
  alike(options: NearOptionsOf, kept: Int32Array, others: Int32Array): Uint8Array | Promise<Uint8Array>;
  /** What the best document of a cluster is chosen by. */
  rank(): { quality: Uint32Array; content: Uint32Array };
  /** Lines that many documents of one site share, counted and removed in those that take part. */
  repeatedLines(options: LineOptions, takesPart: (document: number) => boolean): RepeatedLines | Promise<RepeatedLines>;
}
