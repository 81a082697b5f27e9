/** Tasks scored while a model is trained (`evaluateEvery` of a recipe): zero-shot, each task's first template. */
import type { TaskSuites } from '@tunan/training';
import { openSuite } from './choose-tasks.ts';

const SEED = 1;

/** @param tokenizerFile of the model that is trained */
export function tasksInTraining(tokenizerFile: string): TaskSuites {
  const open: TaskSuites['open'] = async ({ suite, data, tasks: names, limit }) => {
    const [{ checkEvaluation, evaluateTasks, LocalScorer }, { Tokenizer }] = await Promise.all([
      import('@tunan/evaluation'),
      import('@tunan/tokenizer'),
    ]);
    const opened = await openSuite(suite, { data, split: 'validation', seed: SEED, chosen: names?.join(',') });
    const settings = { limit, seed: SEED };
    checkEvaluation(opened.tasks, opened.data, { settings }); // what is damaged shows before the first step
    const tokenizer = Tokenizer.load(tokenizerFile);
    return async (model, signal) => {
      const scorer = new LocalScorer(model, tokenizer, { identity: 'in training' });
      const evaluated = await evaluateTasks(opened.tasks, opened.data, scorer, {
        settings,
        ...(signal && { signal }),
      });
      return Object.fromEntries(evaluated.map(({ result }) => [result.task, result.accuracy!]));
    };
  };
  return { names: ['zeroclue', 'poems'], open };
}
