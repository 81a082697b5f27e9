/**
 * Label expansion (Yuan 1.0): every label has several words, each of which is scored and calibrated; a label's score is the
 * mean or the greatest of its words'. Without expansion the first word stands for the label.
 */

import { EvaluationError } from './errors.ts';
import type { Example, Task, Template } from './tasks/task.ts';

export type Expansion = 'none' | 'mean' | 'max';

export interface LabelWords {
  /** Of all labels, label by label. */
  readonly words: readonly string[];
  /** For each label, in the task's order, how many of the words are its own. */
  readonly counts: readonly number[];
}

/** @param all whether all words are wanted, or only the first of each label */
export function labelWords(task: Task, template: Template, example: Example, all: boolean): LabelWords {
  const byLabel = example.choices ?? template.words ?? task.words;
  if (byLabel === undefined) throw noWords(task, template, task.labels[0]!);
  const lists = task.labels.map((label) => {
    const words = byLabel[label];
    if (words === undefined || words.length === 0) throw noWords(task, template, label);
    return all ? words : words.slice(0, 1);
  });
  return { words: lists.flat(), counts: lists.map(({ length }) => length) };
}

/**
 * @param scores of the words, in the order of `labelWords` with all of them or with the first ones
 * @returns a score a label
 */
export function joinWords(scores: readonly number[], counts: readonly number[], kind: Expansion): number[] {
  let start = 0;
  return counts.map((count) => {
    const own = scores.slice(start, start + count);
    start += count;
    if (kind === 'max') return Math.max(...own);
    if (kind === 'mean') return own.reduce((sum, score) => sum + score, 0) / count;
    return own[0]!;
  });
}

/** The entries of the first word of each label. */
export function firstWords<Item>(items: readonly Item[], counts: readonly number[]): Item[] {
  let start = 0;
  return counts.map((count) => {
    start += count;
    return items[start - count]!;
  });
}

function noWords(task: Task, template: Template, label: string): EvaluationError {
  return new EvaluationError('EVALUATION_BAD_TASK', {
    en: `task ${task.name}, template ${template.name}: no word for the label "${label}"; add it to the words`,
    zh: `任务 ${task.name}，模板 ${template.name}：标签“${label}”没有标签词；请在 words 中补上`,
  });
}
