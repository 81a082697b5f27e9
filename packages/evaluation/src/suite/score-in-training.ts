/** Tasks scored while a model is trained (`evaluateEvery` of a recipe): zero-shot, each task's first template. */
import type { LanguageModel } from '@tunan/model';
import type { Tokenizer } from '@tunan/tokenizer';
import { checkEvaluation, evaluateTasks } from '../evaluate-tasks.ts';
import { LocalScorer } from '../scoring/local-scorer.ts';
import type { Suite } from './suite.ts';

/**
 * Checks the suite and gives what `train` asks for: accuracies of a model by name of the task.
 * @param tokenizer of the model that is trained
 * @param limit examples of each task, drawn by `seed`
 * @throws EvaluationError for data that is missing or damaged, before the first step
 */
export function scoreInTraining(
  { tasks, data }: Suite,
  tokenizer: Tokenizer,
  { limit, seed = 1 }: { readonly limit?: number; readonly seed?: number } = {},
): (model: LanguageModel, signal?: AbortSignal) => Promise<Record<string, number>> {
  const settings = { limit, seed };
  checkEvaluation(tasks, data, { settings });
  return async (model, signal) => {
    using scorer = new LocalScorer(model, tokenizer, { identity: 'in training' });
    const evaluated = await evaluateTasks(tasks, data, scorer, { settings, signal });
    return Object.fromEntries(evaluated.map(({ result }) => [result.task, result.accuracy!]));
  };
}
