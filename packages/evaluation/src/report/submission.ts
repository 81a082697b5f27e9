/**
 * The zip that the FewCLUE leaderboard takes: one file of JSON lines a task (and training split), named and keyed as in
 * its example. Checked against the data before anything is written: every id of test.json once and no other, in the order of
 * the data, every label one of the task's.
 */

import { writeWhole } from '@tunan/files';
import type { Said } from '@tunan/protocol/mistakes';
import { strToU8, zipSync } from 'fflate';
import { EvaluationError } from '../errors.ts';
import type { Example, Task } from '../tasks/task.ts';

export const SUBMISSION_FILE = 'fewclue_submit_examples.zip';

export interface SubmissionPart {
  readonly task: Task;
  /** '0' … '4' or 'all' where there is a file for each training split. */
  readonly split?: string | undefined;
  /** All of test.json. */
  readonly examples: readonly Example[];
  /** In any order. */
  readonly predictions: readonly { readonly id: string | number | undefined; readonly predicted: string }[];
}

/** The same predictions give the same bytes. */
const DATE = new Date(2021, 0, 1);

/** @throws EvaluationError EVALUATION_BAD_SUBMISSION; nothing is written then; WriteError */
export function writeSubmission(file: string, parts: readonly SubmissionPart[]): void {
  const files = parts.flatMap((part) => {
    const name = submissionName(part);
    return name === undefined ? [] : [[name, strToU8(submissionLines(part).join(''))] as const];
  });
  writeWhole(file, zipSync(Object.fromEntries(files), { mtime: DATE }));
}

/** Undefined for a task that the leaderboard does not have. */
function submissionName({ task, split }: SubmissionPart): string | undefined {
  return task.submission?.file.replace('{split}', split === undefined ? '' : `_${split}`);
}

function submissionLines({ task, examples, predictions }: SubmissionPart): string[] {
  const predicted = new Map<string | number, string>();
  for (const { id, predicted: label } of predictions) {
    if (id === undefined) throw refused(task, { en: 'a prediction has no id', zh: '有一个预测没有 id' });
    if (predicted.has(id)) throw refused(task, { en: `the id ${id} is predicted twice`, zh: `id ${id} 预测了两次` });
    if (!task.labels.includes(label))
      throw refused(task, {
        en: `the label "${label}" of id ${id} is none of the task's`,
        zh: `id ${id} 的标签“${label}”不属于该任务`,
      });
    predicted.set(id, label);
  }
  const lines = examples.map(({ id }) => {
    const label = id === undefined ? undefined : predicted.get(id);
    if (id === undefined || label === undefined)
      throw refused(task, { en: `the id ${id} of test.json has no prediction`, zh: `test.json 的 id ${id} 没有预测` });
    return `${JSON.stringify(task.submission!.line(id, label))}\n`;
  });
  if (lines.length !== predicted.size) {
    const known = new Set(examples.map(({ id }) => id));
    const strange = [...predicted.keys()].find((id) => !known.has(id));
    throw refused(
      task,
      strange === undefined
        ? { en: 'an id stands twice in test.json', zh: 'test.json 中有重复的 id' }
        : { en: `the id ${strange} is not in test.json`, zh: `id ${strange} 不在 test.json 中` },
    );
  }
  return lines;
}

function refused(task: Task, what: Said): EvaluationError {
  return new EvaluationError('EVALUATION_BAD_SUBMISSION', {
    en: `${task.name}: ${what.en}; fix test.json, or fetch it again, and evaluate again`,
    zh: `${task.name}：${what.zh}；请修正或重新获取 test.json 后再评测`,
  });
}
