/** What one must know to read the scores right, in sentences: beside the table, in the report and on the terminal. */

import type { Said } from '@tunan/protocol/mistakes';
import type { EvaluationSummary, TaskSummary } from './summary.ts';

/** @param limit examples of each task that were drawn at most; all when absent */
export function notesOf({ tasks }: EvaluationSummary, limit: number | undefined): Said[] {
  const notes = tasks.flatMap((task) => [
    ...shotNotes(task),
    ...labelNotes(task),
    ...tieNotes(task),
    ...overlapNotes(task),
  ]);
  const limited = {
    en: `only up to ${limit} examples of each task were drawn (--limit): not comparable with scores on the whole sets`,
    zh: `每个任务至多抽取 ${limit} 个样例（--limit）：不可与全集上的成绩并列`,
  };
  return limit === undefined ? notes : [limited, ...notes];
}

function shotNotes({ title, shots }: TaskSummary): Said[] {
  if (shots === undefined || shots.mean >= shots.asked) return [];
  const { asked, mean, none } = shots;
  return [
    {
      en: `${title}: of ${asked} solved examples ${mean.toFixed(1)} were in the prompt on average, in ${percent(none)} of the prompts none (no room, or not as many in the training set)`,
      zh: `${title}：要求 ${asked} 个示例，提示中平均只有 ${mean.toFixed(1)} 个，${percent(none)} 的提示中一个也没有（放不下，或训练集没有这么多）`,
    },
  ];
}

function labelNotes({ title, examples, labelled }: TaskSummary): Said[] {
  if (labelled === examples || labelled === 0) return [];
  const without = examples - labelled;
  return [
    {
      en: `${title}: ${without} of ${examples} examples have no label and count neither as right nor as wrong`,
      zh: `${title}：${examples} 个样例中有 ${without} 个没有标签，不计入对错`,
    },
  ];
}

function tieNotes({ title, tiedShare }: TaskSummary): Said[] {
  if (tiedShare === 0) return [];
  return [
    {
      en: `${title}: in ${percent(tiedShare)} of the answers several labels score best alike; one of them was drawn by lot`,
      zh: `${title}：${percent(tiedShare)} 的回答中有多个标签得分并列最高，从中抽签决定`,
    },
  ];
}

function overlapNotes({ title, overlap, examples }: TaskSummary): Said[] {
  if (overlap === undefined || overlap.examples === 0) return [];
  const { examples: sharing, same, shown } = overlap;
  const en =
    shown === 0
      ? 'no prompt showed such an example'
      : `up to ${shown} prompts showed such an example (similar never does)`;
  const zh = shown === 0 ? '没有提示用到这样的示例' : `至多 ${shown} 条提示含有这样的示例（similar 从不使用）`;
  return [
    {
      en: `${title}: up to ${sharing} of ${examples} questions share a passage with the training set of a split, ${same} stand in it themselves; ${en}`,
      zh: `${title}：${examples} 道题中至多 ${sharing} 道与某一划分的训练集有相同段落，${same} 道本身就在训练集中；${zh}`,
    },
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
