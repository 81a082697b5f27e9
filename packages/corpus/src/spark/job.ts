/** What the runner tells the stage programs, and the rows that pass between them and the SQL. */
import { dirname, join } from 'node:path';
import type { ShardResult } from '../passes/write-shard.ts';
import type { Recipe } from '../recipe/recipe.ts';

/** Written once as a file that every machine can read; paths are the same everywhere. */
export interface SparkJob {
  recipe: Recipe;
  base: string;
  /** Of the corpus that is built. */
  directory: string;
  /** The shards by number: their files below `directory`, and how many lines each must have. */
  shards: { file: string; lines: number }[];
  /** Folder for shards that are being written. */
  parts: string;
  /** Least Jaccard similarity of near duplicates. */
  similarity: number;
  /** File with the words of the LineSet of lines to take out. */
  repeated?: string;
}

/** Where a stage program leaves its error. */
export function failurePath(job: string): string {
  return join(dirname(job), 'failure.json');
}

/** A document is known to the SQL by one number: its unit, and its place in it. */
export const UNIT_SPAN = 2 ** 32;

/** What `read` gives: documents, rejects, and at the end of each unit its numbers. */
export type ReadRow =
  | {
      kind: 'document';
      unit: number;
      place: number;
      id: string;
      line: string;
      digest: string;
      site: number;
      keys: number[];
      /** Shingle set, little-endian words in base64. */
      shingles: string;
      /** Triples of lineRecords. */
      records: number[][];
    }
  | { kind: 'reject'; unit: number; place: number; line: string }
  | { kind: 'unit'; unit: number; documents: number; rejects: number; numbers: string };

/** Two documents, the earlier one first. */
export interface PairRow {
  a: number;
  b: number;
  x: string;
  y: string;
}

/** A line for a shard, as in Pieces. */
export interface PieceRow {
  shard: number;
  place: number;
  change: number;
  line: string;
  kept?: string;
}

/** `result` is a ShardResult with its alphabet as a list. */
export interface WrittenRow {
  shard: number;
  result: Omit<ShardResult, 'alphabet'> & { alphabet: number[] };
}
