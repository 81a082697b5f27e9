/** TNEWS: the section of a news headline. Fifteen labels, numbered 100 to 116 without 105 and 111. */

import { z } from 'zod';
import { lineReader } from './line-reader.ts';
import type { Task } from './task.ts';

const words: Readonly<Record<string, readonly string[]>> = {
  100: ['故事', '传说', '往事', '情感'],
  101: ['文化', '书画', '传统', '艺术'],
  102: ['娱乐', '明星', '影视', '综艺'],
  103: ['体育', '比赛', '球队', '运动'],
  104: ['财经', '经济', '金融', '企业'],
  106: ['房产', '楼市', '房价', '买房'],
  107: ['汽车', '车型', '驾驶', '新车'],
  108: ['教育', '学校', '考试', '学生'],
  109: ['科技', '手机', '互联网', '数码'],
  110: ['军事', '军队', '武器', '战争'],
  112: ['旅游', '景点', '旅行', '风景'],
  113: ['国际', '外国', '世界', '外交'],
  114: ['股票', '股市', '大盘', '炒股'],
  115: ['农业', '农村', '种植', '农民'],
  116: ['游戏', '电竞', '玩家', '英雄'],
};

export const tnews: Task = {
  name: 'tnews',
  title: 'TNEWS',
  labels: Object.keys(words),
  words,
  templates: [
    { name: 'tag', version: 2, text: '{sentence}。新闻标签：[{label}]' },
    { name: 'question', version: 1, text: '标题：{sentence}\n这条新闻属于哪个栏目？答：[{label}]' },
  ],
  contentFree: [{ sentence: '' }, { sentence: '无' }, { sentence: '标题' }, { sentence: '……' }],
  cuts: [{ field: 'sentence', at: 'end' }],
  metric: 'accuracy',
  tuning: { name: 'tuning', version: 2, text: '{sentence}。新闻标签：{label}' },
  submission: { file: 'tnewsf_predict{split}.json', line: (id, label) => ({ id, label }) },
  read: lineReader(
    z.object({
      id: z.union([z.int(), z.string()]),
      sentence: z.string().min(1),
      label: z.union([z.int(), z.string()]).optional(),
    }),
    ({ id, sentence, label }) => ({ id, fields: { sentence }, gold: label === undefined ? undefined : String(label) }),
  ),
};
