/** OCNLI: what follows from a premise (sentence1) for a hypothesis (sentence2): it holds, is open, or is contradicted. */

import { z } from 'zod';
import { lineReader } from './line-reader.ts';
import type { Task } from './task.ts';

export const ocnli: Task = {
  name: 'ocnli',
  title: 'OCNLI',
  labels: ['entailment', 'neutral', 'contradiction'],
  words: {
    entailment: ['对', '是的', '没错'],
    neutral: ['也许', '可能', '或许'],
    contradiction: ['错', '不是', '不对'],
  },
  templates: [
    { name: 'answer', version: 2, text: '{sentence1}？{label}，[{sentence2}]' },
    {
      name: 'relation',
      version: 2,
      text: '已知：{sentence1}。问：{sentence2}，对吗？答：[{label}]',
      words: {
        entailment: ['对', '是', '正确'],
        neutral: ['不一定', '不确定', '可能'],
        contradiction: ['错', '不是', '不对'],
      },
    },
    {
      name: 'conjunction',
      version: 2,
      text: '{sentence1}，{label}，[{sentence2}]',
      words: {
        entailment: ['所以', '因此', '也就是说'],
        neutral: ['而且', '另外', '同时'],
        contradiction: ['并非', '而不是', '但不能说'],
      },
    },
  ],
  contentFree: [
    { sentence1: '无', sentence2: '无' },
    { sentence1: '这样', sentence2: '那样' },
    { sentence1: '……', sentence2: '……' },
  ],
  cuts: [
    { field: 'sentence1', at: 'end' },
    { field: 'sentence2', at: 'end' },
  ],
  metric: 'accuracy',
  tuning: {
    name: 'tuning',
    version: 2,
    text: '{sentence2}。{sentence1}。{label}。',
    words: { entailment: ['相同'], neutral: ['可能'], contradiction: ['不同'] },
  },
  submission: { file: 'ocnlif_predict{split}.json', line: (id, label) => ({ label, id }) },
  read: lineReader(
    z.object({
      id: z.int(),
      sentence1: z.string().min(1),
      sentence2: z.string().min(1),
      label: z.string().optional(),
    }),
    ({ id, sentence1, sentence2, label }) => ({ id, fields: { sentence1, sentence2 }, gold: label }),
  ),
};
