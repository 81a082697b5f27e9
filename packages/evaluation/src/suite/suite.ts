/** A suite: which tasks it has, where their examples come from, and what it sets where nobody says otherwise. */
import { EvaluationError } from '../errors.ts';
import type { GivenSettings } from '../result.ts';
import { poemLineData, poemLines } from '../tasks/poem-lines.ts';
import { clueTasks } from '../tasks/suites.ts';
import type { Task } from '../tasks/task.ts';
import { folderData, type TaskData } from '../tasks/task-data.ts';
import { readTaskFile } from '../tasks/task-file.ts';

export interface Suite {
  /** Stored with the results. */
  readonly name: string;
  readonly tasks: readonly Task[];
  readonly data: TaskData;
  readonly settings?: GivenSettings | undefined;
}

/** Solved examples that fewclue shows. */
const FEW_SHOTS = 4;

/**
 * The tasks of ZeroCLUE and FewCLUE, or some of them, and tasks of the user's own.
 * @param folder holds a folder for each task
 * @param chosen names of tasks and paths of task files; all tasks of the suite when absent
 * @throws EvaluationError EVALUATION_UNKNOWN_TASK, EVALUATION_BAD_TASK
 */
export async function clueSuite(
  name: 'zeroclue' | 'fewclue',
  folder: string,
  chosen?: readonly string[],
): Promise<Suite> {
  const settings = name === 'fewclue' ? { shots: FEW_SHOTS } : {};
  return {
    name,
    tasks: chosen === undefined ? clueTasks : await chooseTasks(chosen),
    data: folderData(folder),
    settings,
  };
}

/** Which line follows in a poem. @param documents poems, the title in the first line */
export function poemSuite(documents: readonly string[], seed = 1): Suite {
  return { name: 'poems', tasks: [poemLines], data: poemLineData(documents, seed) };
}

async function chooseTasks(chosen: readonly string[]): Promise<readonly Task[]> {
  const lists = await Promise.all(chosen.map((name) => (isPath(name) ? readTaskFile(name) : [findTask(name)])));
  const tasks = lists.flat();
  const twice = tasks.find((task, i) => tasks.findIndex(({ name }) => name === task.name) < i);
  if (twice === undefined) return tasks;
  throw new EvaluationError('EVALUATION_UNKNOWN_TASK', {
    en: `the task ${twice.name} is there twice: give it once`,
    zh: `任务 ${twice.name} 出现两次：请只给一次`,
  });
}

function findTask(name: string): Task {
  const task = clueTasks.find((one) => one.name === name);
  if (task !== undefined) return task;
  const names = clueTasks.map((one) => one.name).join(', ');
  throw new EvaluationError('EVALUATION_UNKNOWN_TASK', {
    en: `unknown task '${name}'; known: ${names}, or the path of a task file`,
    zh: `未知任务“${name}”；已有：${names}，或任务文件的路径`,
  });
}

function isPath(name: string): boolean {
  return /[/\\]|\.(json|ts|mts|js|mjs)$/.test(name);
}
