/**
 * CLUEWSC: whether a pronoun of a passage (span 2) means a certain noun of it (span 1). The pronoun is named by its place,
 * counted from 1, since it may occur more than once.
 */

import { z } from 'zod';
import { lineReader } from './line-reader.ts';
import type { Task } from './task.ts';

const span = z.string().min(1);
const index = z.int().nonnegative();

export const cluewsc: Task = {
  name: 'cluewsc',
  title: 'CLUEWSC',
  labels: ['true', 'false'],
  words: { true: ['是', '就是', '指的是'], false: ['不是', '并不是', '指的不是'] },
  templates: [
    { name: 'place', version: 1, text: '{text}其中第{place}个字的{pronoun}{label}[{noun}]' },
    {
      name: 'question',
      version: 1,
      text: '{text}\n问：第{place}个字的“{pronoun}”指的是“{noun}”吗？答：[{label}]',
      words: { true: ['是', '对', '正确'], false: ['不是', '不对', '错误'] },
    },
  ],
  contentFree: [
    { text: '', place: '一', pronoun: '他', noun: '人' },
    { text: '无。', place: '一', pronoun: '它', noun: '物' },
    { text: '……', place: '一', pronoun: '这', noun: '那' },
  ],
  cuts: [{ field: 'text', at: 'end' }],
  metric: 'accuracy',
  tuning: {
    name: 'tuning',
    version: 1,
    text: '{text}其中第{place}个字的{pronoun}{label}{noun}',
    words: { true: ['是'], false: ['不是'] },
  },
  submission: { file: 'cluewscf_predict{split}.json', line: (id, label) => ({ id, label }) },
  read: lineReader(
    z.object({
      /** `idx` where there are labels, `id` in test.json. */
      id: z.int().optional(),
      idx: z.int().optional(),
      text: z.string().min(1),
      target: z.object({ span1_text: span, span2_text: span, span1_index: index, span2_index: index }),
      label: z.string().optional(),
    }),
    ({ id, idx, text, target, label }) => ({
      id: id ?? idx,
      fields: { text, place: String(target.span2_index + 1), pronoun: target.span2_text, noun: target.span1_text },
      gold: label,
    }),
  ),
};
