/**
 * Stage `perplexity`: how expected a text is to a character n-gram model of a reference corpus (`tunan corpus train-perplexity`), in three
 * buckets as in CCNet (Wenzek et al. 2020). Value and bucket stand in meta; buckets named in `drop` are turned away. It sees what
 * a bag of n-grams does not: words in an order that nobody writes.
 */
import path from 'node:path';
import { type DocumentStage, textOf } from '../document.ts';
import { perplexity as perplexityOf } from '../quality/character-ngrams.ts';
import { bucketOf, readPerplexityModel } from '../quality/perplexity-model.ts';
import type { DocumentStageOptions } from '../recipe/recipe-stages.ts';

type Options = Extract<DocumentStageOptions, { use: 'perplexity' }>;

/** @throws CorpusError CORPUS_MODEL where the folder holds no model */
export function perplexity(options: Options, base: string): DocumentStage {
  const { table, limits } = readPerplexityModel(path.resolve(base, options.model));
  return (draft) => {
    const value = perplexityOf(table, textOf(draft));
    const bucket = bucketOf(value, limits);
    if (options.drop.includes(bucket)) return { reason: `perplexity-${bucket}` };
    return { ...draft, meta: { ...draft.meta, perplexity: value.toFixed(1), perplexityBucket: bucket } };
  };
}
