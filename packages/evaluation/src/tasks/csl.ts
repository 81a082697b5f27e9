/** CSL: whether all of the keywords belong to an abstract ("1") or one of them does not ("0"). */

import { z } from 'zod';
import { lineReader } from './line-reader.ts';
import type { Task } from './task.ts';

export const csl: Task = {
  name: 'csl',
  title: 'CSL',
  labels: ['0', '1'],
  words: { 0: ['不是', '不包括', '没有'], 1: ['是', '包括', '有'] },
  templates: [
    { name: 'keywords', version: 1, text: '{abst}的关键词{label}，[{keywords}]' },
    {
      name: 'belongs',
      version: 1,
      text: '摘要：{abst}\n关键词：{keywords}\n这些关键词与摘要[{label}]。',
      words: { 0: ['不符', '无关', '矛盾'], 1: ['相符', '有关', '一致'] },
    },
  ],
  contentFree: [
    { abst: '无', keywords: '无' },
    { abst: '摘要', keywords: '关键词' },
    { abst: '……', keywords: '……' },
  ],
  cuts: [{ field: 'abst', at: 'end' }],
  metric: 'accuracy',
  tuning: { name: 'tuning', version: 1, text: '{abst}的关键词{label}{keywords}', words: { 0: ['不是'], 1: ['是'] } },
  submission: { file: 'cslf_predict{split}.json', line: (id, label) => ({ id, label }) },
  read: lineReader(
    z.object({
      id: z.int(),
      abst: z.string().min(1),
      keyword: z.array(z.string().min(1)).min(1),
      label: z.string().optional(),
    }),
    ({ id, abst, keyword, label }) => ({ id, fields: { abst, keywords: keyword.join('、') }, gold: label }),
  ),
};
