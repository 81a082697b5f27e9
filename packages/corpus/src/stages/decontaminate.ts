/**
 * Stage `decontaminate`: a document that holds an item of an evaluation set, or much of it, is dropped, with the set as the reason
 * and the item and the text in common as the detail, so that nobody trains on what is measured (13-grams as in Brown et al.
 * 2020, appendix C; of characters here, since Chinese is written without spaces). Thirteen characters alone are the stem of a question
 * or a line of a poem that everybody quotes; so half of an item's n-grams are asked for.
 */
import type { DocumentStage, Rejection } from '../document.ts';
import { textOf } from '../document.ts';
import type { DocumentStageOptions } from '../recipe/recipe-stages.ts';
import { EvaluationIndex } from './evaluation-index.ts';

type Options = Extract<DocumentStageOptions, { use: 'decontaminate' }>;

export async function decontaminate(options: Options, base: string): Promise<DocumentStage> {
  const index = await EvaluationIndex.load(options.sets, base, options.ngram);
  return (draft) => {
    const overlap = index.find(textOf(draft), options);
    if (overlap === undefined) return draft;
    const detail = `${overlap.item} ${overlap.gram} (${overlap.grams}/${overlap.of})`;
    return { reason: overlap.set, detail } satisfies Rejection;
  };
}
