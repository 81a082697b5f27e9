/**
 * Stage `decontaminate`: a document that holds an item of an evaluation set, or much of it, is dropped, with the set as the reason
 * and the item and the text in common as the detail, so that nobody trains on what is measured (13-grams as in Brown et al.
 * 2020, appendix C; of characters here, since Chinese is written without spaces). Thirteen characters alone are the stem of a question
 * or a line of a poem that everybody quotes; so half of an item's n-grams are asked for.
 */
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import type { DocumentStage, Rejection } from '../document.ts';
import { textOf } from '../document.ts';
import { documentStage, LOWER_CASE, shareOption, textOption } from '../stage.ts';
import { EvaluationIndex } from './evaluation-index.ts';

const schema = z
  .strictObject({
    use: z.literal('decontaminate'),
    sets: z
      .array(
        z.strictObject({
          name: z
            .string()
            .regex(/^[a-z0-9][a-z0-9-]*$/, LOWER_CASE)
            .describe(inBoth('Names the reason.', '即剔除原因的名称。')),
          paths: z.array(textOption).min(1).describe(inBoth('JSON lines.', 'JSON 行文件。')),
          fields: z
            .array(textOption)
            .min(1)
            .describe(inBoth('Fields with text; `a.b` is field b inside a.', '文本字段；`a.b` 指 a 中的字段 b。')),
        }),
      )
      .min(1)
      .describe(inBoth('Evaluation sets.', '评测集。')),
    ngram: z
      .int()
      .min(5)
      .max(64)
      .default(13)
      .describe(inBoth('Characters in an n-gram (GPT-3: 13).', '片段的字数（GPT-3：13）。')),
    minGrams: z
      .int()
      .min(1)
      .default(1)
      .describe(inBoth('Least n-grams of one item that a document shares with it.', '文档与同一题至少共有的片段数。')),
    minShare: shareOption
      .default(0.5)
      .describe(
        inBoth(
          'And this share of all that the item has (or 100 of them); n-grams that five items have count for none.',
          '并达到该题全部片段的这一比例（或 100 个）；五题以上共有的片段不计。',
        ),
      ),
  })
  .describe(inBoth('What holds text of an evaluation set is dropped.', '剔除含有评测集文本的文档。'));

type Options = z.infer<typeof schema>;

export async function decontaminate(options: Options, base: string): Promise<DocumentStage> {
  const index = await EvaluationIndex.load(options.sets, base, options.ngram);
  return (draft) => {
    const overlap = index.find(textOf(draft), options);
    if (overlap === undefined) return draft;
    const detail = `${overlap.item} ${overlap.gram} (${overlap.grams}/${overlap.of})`;
    return { reason: overlap.set, detail } satisfies Rejection;
  };
}

export const decontaminateStage = documentStage({
  label: { zh: '评测去污', en: 'Decontamination' },
  schema,
  files: ({ sets }) => sets.flatMap((set) => set.paths),
  prepare: decontaminate,
});
