/** Which tasks a suite has, and where their examples are. */
import type { Task, TaskData } from '@tunan/evaluation';
import { UsageError } from '../errors.ts';
import { text } from '../language.ts';
import { readDocuments } from './read-documents.ts';

export interface Suite {
  readonly tasks: readonly Task[];
  readonly data: TaskData;
}

/**
 * @param chosen names, and paths of task files, with commas between; all tasks of the suite when absent
 * @throws UsageError on a name that there is not
 */
export async function openSuite(
  suite: string,
  options: {
    readonly data: string;
    readonly split: string;
    readonly seed: number;
    readonly chosen: string | undefined;
  },
): Promise<Suite> {
  const { folderData, poemLineData, poemLines } = await import('@tunan/evaluation');
  if (suite !== 'poems') return { tasks: await chooseTasks(options.chosen), data: folderData(options.data) };
  if (options.chosen !== undefined) throw new UsageError(text('poems takes no --tasks', 'poems 不接受 --tasks'));
  const poems = await readDocuments(options.data, options.split);
  return { tasks: [poemLines], data: poemLineData(poems, options.seed) };
}

async function chooseTasks(chosen: string | undefined): Promise<readonly Task[]> {
  const { clueTasks, readTaskFile } = await import('@tunan/evaluation');
  if (chosen === undefined) return clueTasks;
  const names = chosen.split(',').map((name) => name.trim());
  const lists = await Promise.all(
    names.map((name) => (isPath(name) ? readTaskFile(name) : [findTask(clueTasks, name)])),
  );
  const tasks = lists.flat();
  const twice = tasks.find((task, i) => tasks.findIndex(({ name }) => name === task.name) < i);
  if (twice !== undefined) {
    throw new UsageError(text(`--tasks has ${twice.name} twice`, `--tasks 中 ${twice.name} 出现两次`));
  }
  return tasks;
}

function findTask(known: readonly Task[], name: string): Task {
  const task = known.find((one) => one.name === name);
  if (task !== undefined) return task;
  const names = known.map((one) => one.name).join(', ');
  throw new UsageError(
    text(
      `unknown task '${name}'; known: ${names}, or the path of a task file`,
      `未知任务“${name}”；已有：${names}，或任务文件的路径`,
    ),
  );
}

function isPath(name: string): boolean {
  return /[/\\]|\.(json|ts|mts|js|mjs)$/.test(name);
}
