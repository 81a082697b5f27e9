/** EPRSTMT: whether a review of a shop's goods is good or bad. */

import { z } from 'zod';
import { lineReader } from './line-reader.ts';
import type { Task } from './task.ts';

export const eprstmt: Task = {
  name: 'eprstmt',
  title: 'EPRSTMT',
  labels: ['Positive', 'Negative'],
  words: {
    Positive: ['正面', '满意', '喜欢', '称赞'],
    Negative: ['负面', '失望', '讨厌', '抱怨'],
  },
  templates: [
    { name: 'review', version: 2, text: '{sentence}。这条评论是[{label}]的。' },
    {
      name: 'verdict',
      version: 1,
      text: '商品评论：{sentence}\n总体评价：[{label}]',
      words: { Positive: ['很好', '不错', '推荐'], Negative: ['很差', '糟糕', '后悔'] },
    },
  ],
  contentFree: [{ sentence: '' }, { sentence: '无' }, { sentence: '这个' }, { sentence: '……' }],
  cuts: [{ field: 'sentence', at: 'end' }],
  metric: 'accuracy',
  tuning: {
    name: 'tuning',
    version: 2,
    text: '{sentence}。这条评论是{label}的。',
    words: { Positive: ['正面'], Negative: ['负面'] },
  },
  submission: { file: 'eprstmt_predict{split}.json', line: (id, label) => ({ id, label }) },
  read: lineReader(
    z.object({ id: z.int(), sentence: z.string().min(1), label: z.string().optional() }),
    ({ id, sentence, label }) => ({ id, fields: { sentence }, gold: label }),
  ),
};
