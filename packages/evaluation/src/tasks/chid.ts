/** CHID: which of seven idioms belongs into the blank of a passage. Every example brings its own idioms. */

import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { lineReader } from './line-reader.ts';
import type { Task } from './task.ts';

const BLANK = '#idiom#';
const CANDIDATES = 7;
const labels = Array.from({ length: CANDIDATES }, (_, i) => String(i));

export const chid: Task = {
  name: 'chid',
  title: 'CHID',
  labels,
  templates: [
    { name: 'whole', version: 1, text: '[{before}{label}{after}]' },
    { name: 'from-blank', version: 1, text: '{before}[{label}{after}]' },
  ],
  contentFree: [
    { before: '', after: '。' },
    { before: '这里', after: '。' },
    { before: '……', after: '……' },
  ],
  cuts: [
    { field: 'before', at: 'start' },
    { field: 'after', at: 'end' },
  ],
  metric: 'accuracy',
  tuning: { name: 'tuning', version: 1, text: '{before}{label}{after}' },
  submission: { file: 'chidf_predict{split}.json', line: (id, label) => ({ id, answer: Number(label) }) },
  read: lineReader(
    z.object({
      id: z.int(),
      candidates: z.array(z.string().min(1)).length(CANDIDATES),
      content: z
        .string()
        .refine(
          (content) => content.split(BLANK).length === 2,
          inBoth(`needs ${BLANK} once`, `须有且只有一个 ${BLANK}`),
        ),
      answer: z.int().optional(),
    }),
    ({ id, candidates, content, answer }) => {
      const [before = '', after = ''] = content.split(BLANK);
      return {
        id,
        fields: { before, after },
        gold: answer === undefined ? undefined : String(answer),
        choices: Object.fromEntries(labels.map((label, i) => [label, [candidates[i]!]])),
      };
    },
  ),
};
