/**
 * Stage `perplexity`: how expected a text is to a character n-gram model of a reference corpus (`tunan corpus train-perplexity`), in three
 * buckets as in CCNet (Wenzek et al. 2020). Value and bucket stand in meta; buckets named in `drop` are rejected. It sees what
 * a bag of n-grams does not: words in an order that nobody writes.
 */

import path from 'node:path';
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { type DocumentStage, textOf } from '../document.ts';
import { documentStage, textOption } from '../stage.ts';
import { perplexity as perplexityOf } from './character-ngrams.ts';
import { bucketOf, readPerplexityModel } from './perplexity-model.ts';

const schema = z
  .strictObject({
    use: z.literal('perplexity'),
    model: textOption.describe(
      inBoth(
        'Folder of a model, from `tunan corpus train-perplexity`.',
        '模型目录，由 `tunan corpus train-perplexity` 生成。',
      ),
    ),
    drop: z
      .array(z.enum(['head', 'middle', 'tail']))
      .default([])
      .describe(inBoth('Buckets that are dropped.', '剔除哪几档。')),
  })
  .describe(inBoth('How expected a text is under a character n-gram model.', '文本在字符 n 元模型下的意外程度。'));

type Options = z.infer<typeof schema>;

/** @throws CorpusError CORPUS_MODEL where the folder holds no model */
function prepare(options: Options, base: string): DocumentStage {
  const { table, limits } = readPerplexityModel(path.resolve(base, options.model));
  return (draft) => {
    const value = perplexityOf(table, textOf(draft));
    const bucket = bucketOf(value, limits);
    if (options.drop.includes(bucket)) return { reason: `perplexity-${bucket}` };
    return { ...draft, meta: { ...draft.meta, perplexity: value.toFixed(1), perplexityBucket: bucket } };
  };
}

export const perplexityStage = documentStage({
  label: { zh: '困惑度', en: 'Perplexity' },
  names: {
    'perplexity-head': { zh: '困惑度低', en: 'low perplexity' },
    'perplexity-middle': { zh: '困惑度中', en: 'middle perplexity' },
    'perplexity-tail': { zh: '困惑度高', en: 'high perplexity' },
  },
  meta: {
    perplexity: '困惑度 perplexity under the character n-gram model of the recipe; lower is more expected',
    perplexityBucket: '`head`、`middle` 或 `tail` 困惑度三档 bucket of the perplexity, most expected first',
  },
  schema,
  files: ({ model }) => ['model.json', 'counts.bin.zst'].map((file) => path.join(model, file)),
  needsModel: true,
  prepare,
});
