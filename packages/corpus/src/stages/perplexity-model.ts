/**
 * The perplexity model of stage `perplexity` on disk: model.json (order, limits of the buckets, SHA-256 of the counts) and counts.bin.zst
 * (the three columns of the table one after another, little-endian uint32).
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { z } from 'zod';
import { CorpusError } from '../errors.ts';
import type { NgramTable } from './character-ngrams.ts';

export const MODEL = 'model.json';
export const COUNTS = 'counts.bin.zst';

const modelSchema = z.strictObject({
  format: z.literal('tunan-perplexity-1'),
  order: z.int().min(1).max(8),
  slotBits: z.int().min(10).max(26),
  units: z.int().min(1),
  alphabet: z.int().min(1),
  /** Highest perplexity of the buckets head and middle; what is above is tail. */
  limits: z.strictObject({ head: z.number().positive(), middle: z.number().positive() }),
  documents: z.int().min(1),
  sha256: z.string(),
});

export interface PerplexityModel {
  readonly table: NgramTable;
  readonly limits: { readonly head: number; readonly middle: number };
}

export type Bucket = 'head' | 'middle' | 'tail';

export function bucketOf(value: number, limits: PerplexityModel['limits']): Bucket {
  if (value <= limits.head) return 'head';
  return value <= limits.middle ? 'middle' : 'tail';
}

/** @throws CorpusError CORPUS_MODEL where the directory holds no model, or a damaged one. */
export function readPerplexityModel(directory: string): PerplexityModel {
  const problem = (what: string, cause?: unknown) =>
    new CorpusError(
      'CORPUS_MODEL',
      {
        en: `${directory}: ${what}; give a directory written by tunan corpus train-perplexity`,
        zh: `${directory} 不是 tunan corpus train-perplexity 写出的模型目录（${what}）`,
      },
      { cause },
    );
  let value: unknown;
  let counts: Buffer;
  try {
    value = JSON.parse(readFileSync(path.join(directory, MODEL), 'utf8'));
    counts = readFileSync(path.join(directory, COUNTS));
  } catch (cause) {
    throw problem((cause as Error).message, cause);
  }
  const parsed = modelSchema.safeParse(value);
  if (!parsed.success) throw problem(`${MODEL} is not that of a perplexity model`);
  const { order, slotBits, units, alphabet, limits, sha256 } = parsed.data;
  if (createHash('sha256').update(counts).digest('hex') !== sha256)
    throw problem(`${COUNTS} is not the file that ${MODEL} names`);
  const bytes = zstdDecompressSync(counts);
  const slots = 2 ** slotBits;
  const column = (index: number) =>
    new Uint32Array(Uint8Array.from(bytes.subarray(index * 4 * slots, (index + 1) * 4 * slots)).buffer);
  return { table: { order, keys: column(0), counts: column(1), followers: column(2), units, alphabet }, limits };
}
