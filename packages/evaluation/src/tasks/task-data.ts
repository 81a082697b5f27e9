/**
 * Reads the files of a task, one JSON object a line: `DIR/<task>/<set>.json`. Sets are FewCLUE's: test_public, test,
 * train_0 … train_4, train_few_all and the same for dev. A user's task may have others.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { clauseOf, EvaluationError } from '../errors.ts';
import type { Example, Task } from './task.ts';

/** Where the examples of tasks come from. */
export interface TaskData {
  /** @throws EvaluationError when the task does not have the set, or the set is damaged */
  read(task: Task, set: string): readonly Example[];
  has(task: Task, set: string): boolean;
}

/** A folder that holds a folder for each task. */
export function folderData(directory: string): TaskData {
  return {
    read: (task, set) => readTaskData(task, directory, set),
    has: (task, set) => existsSync(path.join(directory, task.name, `${set}.json`)),
  };
}

/**
 * @param set name of the file without `.json`
 * @throws EvaluationError EVALUATION_MISSING_DATA, EVALUATION_BAD_DATA naming file and line
 */
export function readTaskData(task: Task, directory: string, set: string): Example[] {
  const file = path.join(directory, task.name, `${set}.json`);
  const lines = readLines(file, task);
  const examples = lines.flatMap((line, i) =>
    line.trim() === '' ? [] : [readExample(task, line, `${file}:${i + 1}`)],
  );
  if (examples.length === 0) {
    throw new EvaluationError('EVALUATION_BAD_DATA', {
      en: `${file}: no example in it; fetch the data again`,
      zh: `${file}：其中没有样例；请重新获取数据`,
    });
  }
  return examples;
}

function readLines(file: string, task: Task): string[] {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    const reason = clauseOf(cause);
    const official = task.submission !== undefined;
    const source = 'datasets/ of https://github.com/CLUEbenchmark/FewCLUE';
    const there = setsIn(path.dirname(file)).join(', ');
    const message = {
      en: `cannot read ${file}, data of ${task.name}: ${reason.en}${there && ` (there are ${there})`}; give the folder that holds ${task.name}/${official ? `, such as ${source}` : ''}`,
      zh: `无法读取 ${task.name} 的数据 ${file}：${reason.zh}${there && `（已有 ${there}）`}；请给出含有 ${task.name}/ 的目录${official ? '，例如 https://github.com/CLUEbenchmark/FewCLUE 的 datasets/' : ''}`,
    };
    throw new EvaluationError('EVALUATION_MISSING_DATA', message, { cause });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).split('\n');
  } catch (cause) {
    throw new EvaluationError(
      'EVALUATION_BAD_DATA',
      { en: `${file}: not UTF-8; fetch the data again`, zh: `${file}：不是 UTF-8 编码；请另存为 UTF-8 或重新获取` },
      { cause },
    );
  }
}

/** Sets that the folder does have. */
function setsIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => path.basename(name, '.json'))
    .sort();
}

function readExample(task: Task, line: string, place: string): Example {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    const message = {
      en: `${place}: not a JSON object (${(cause as Error).message}); fix or delete the line`,
      zh: `${place}：不是 JSON 对象（${(cause as Error).message}）；请修正或删去这一行`,
    };
    throw new EvaluationError('EVALUATION_BAD_DATA', message, { cause });
  }
  let example: Example;
  try {
    example = task.read(value);
  } catch (cause) {
    const { en, zh } = clauseOf(cause);
    const message = {
      en: `${place}: ${en}; a line of ${task.name} is expected`,
      zh: `${place}：${zh}；应为 ${task.name} 的一行`,
    };
    throw new EvaluationError('EVALUATION_BAD_DATA', message, { cause });
  }
  if (example.gold !== undefined && !task.labels.includes(example.gold)) {
    const known = task.labels.length > 20 ? `${task.labels.slice(0, 20).join(', ')}, …` : task.labels.join(', ');
    throw new EvaluationError('EVALUATION_BAD_DATA', {
      en: `${place}: the label "${example.gold}" is none of ${known}`,
      zh: `${place}：标签“${example.gold}”不在 ${known} 之中`,
    });
  }
  return example;
}
