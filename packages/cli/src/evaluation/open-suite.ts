/** From the words of a command line or a recipe to a suite. */
import type { Suite } from '@tunan/evaluation';
import type { TaskSuites } from '@tunan/training';
import { UsageError } from '../errors.ts';
import { spoken, text } from '../language.ts';
import { readDocuments } from './read-documents.ts';

const SEED = 1;

/** Of a corpus that is given for poems. */
interface PoemOptions {
  readonly split: string;
  readonly seed: number;
}

/**
 * @param data folder of the tasks; for poems a corpus
 * @param tasks names, and paths of task files; all tasks of the suite when absent
 * @throws UsageError on a name that there is not
 */
export async function openSuite(
  suite: string,
  data: string,
  tasks: readonly string[] | undefined,
  { split, seed }: PoemOptions,
): Promise<Suite> {
  const { clueSuite, EvaluationError, poemSuite } = await import('@tunan/evaluation');
  if (suite === 'poems') {
    if (tasks !== undefined) throw new UsageError(text('poems takes no --tasks', 'poems 不接受 --tasks'));
    return poemSuite(await readDocuments(data, split), seed);
  }
  try {
    return await clueSuite(suite === 'fewclue' ? suite : 'zeroclue', data, tasks);
  } catch (error) {
    if (!(error instanceof EvaluationError) || error.code !== 'EVALUATION_UNKNOWN_TASK') throw error;
    throw new UsageError(spoken({ en: error.message, zh: error.chinese ?? error.message }));
  }
}

/** What `evaluateEvery` of a run recipe may name. @param tokenizerFile of the model that is trained */
export function tasksInTraining(tokenizerFile: string): TaskSuites {
  return {
    names: ['zeroclue', 'poems'],
    open: async ({ suite, data, tasks, limit }) => {
      const [{ scoreInTraining }, { Tokenizer }] = await Promise.all([
        import('@tunan/evaluation'),
        import('@tunan/tokenizer'),
      ]);
      const opened = await openSuite(suite, data, tasks, { split: 'validation', seed: SEED });
      return scoreInTraining(opened, Tokenizer.load(tokenizerFile), { limit, seed: SEED });
    },
  };
}
