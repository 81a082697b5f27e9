/** BUSTM: whether two short questions to a voice assistant mean the same ("1") or not ("0"). */

import { z } from 'zod';
import { lineReader } from './line-reader.ts';
import type { Task } from './task.ts';

export const bustm: Task = {
  name: 'bustm',
  title: 'BUSTM',
  labels: ['0', '1'],
  words: { 0: ['错', '不是', '不对'], 1: ['对', '是的', '没错'] },
  templates: [
    { name: 'answer', version: 2, text: '{sentence1}？{label}，[{sentence2}]' },
    {
      name: 'meaning',
      version: 1,
      text: '“{sentence1}”和“{sentence2}”的意思[{label}]。',
      words: { 0: ['不同', '不一样', '无关'], 1: ['相同', '一样', '一致'] },
    },
  ],
  contentFree: [
    { sentence1: '无', sentence2: '无' },
    { sentence1: '这个', sentence2: '那个' },
    { sentence1: '……', sentence2: '……' },
  ],
  cuts: [
    { field: 'sentence1', at: 'end' },
    { field: 'sentence2', at: 'end' },
  ],
  metric: 'accuracy',
  tuning: {
    name: 'tuning',
    version: 1,
    text: '{sentence1}的回答{label}{sentence2}',
    words: { 0: ['不是'], 1: ['是'] },
  },
  submission: { file: 'bustm_predict{split}.json', line: (id, label) => ({ id, label }) },
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
