/** The form of a task file, with what every field means; docs/tasks.md and docs/zh/tasks.md are made of it. */

import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import type { Task } from './task.ts';

const wordsSchema = z.record(z.string(), z.array(z.string().min(1)).min(1));

const templateSchema = z.strictObject({
  name: z
    .string()
    .min(1)
    .describe(inBoth('By which `--template` chooses it; unique in the task.', '`--template`据此选择；任务内不重复。')),
  version: z
    .int()
    .positive()
    .default(1)
    .describe(
      inBoth('Raise it when text or words change: scores name it.', '文字或标签词改动时加一：成绩会注明版本。'),
    ),
  text: z
    .string()
    .min(1)
    .describe(
      inBoth(
        'One line: `{name}` is a field of the example, `{label}` a word of a label (once), `[…]` what is scored.',
        '一行文字：`{字段}` 为样例的字段，`{label}` 为标签词（只出现一次），`[…]` 为打分的部分。',
      ),
    ),
  words: wordsSchema
    .optional()
    .describe(inBoth('Words for this template instead of the task’s.', '此模板专用的标签词，代替任务的标签词。')),
});

const cutSchema = z.strictObject({
  field: z.string().describe(inBoth('Field that may be shortened.', '可以截短的字段。')),
  at: z.enum(['start', 'end']).default('end').describe(inBoth('The end at which it is cut.', '从哪一端截去。')),
});

const shared = {
  name: z
    .string()
    .regex(
      /^[a-z0-9][a-z0-9-]*$/,
      inBoth(
        'lower-case letters, digits and hyphens: it is the folder of the data',
        '只能用小写字母、数字和连字符：它也是数据目录的名称',
      ),
    )
    .describe(
      inBoth(
        'Name on the command line, and folder of the data: `DATA/name/`.',
        '命令行中的名称，也是数据目录：`DATA/名称/`。',
      ),
    ),
  title: z.string().optional().describe(inBoth('For tables. Absent: the name.', '表格中的名称；缺省为 name。')),
  labels: z
    .array(z.string().min(1))
    .min(2)
    .optional()
    .describe(
      inBoth(
        'All labels, in the order of tables. Absent: those of `words`.',
        '全部标签，按表格次序；缺省取自 `words`。',
      ),
    ),
  words: wordsSchema
    .optional()
    .describe(
      inBoth(
        'For every label its words; the first stands for it unless `--expand` joins all.',
        '每个标签的标签词；除非 `--expand` 合并全部，否则用第一个。',
      ),
    ),
  templates: z
    .array(templateSchema)
    .min(1)
    .describe(inBoth('Prompts; the first is the default.', '提示模板；第一个为默认。')),
  contentFree: z
    .array(z.record(z.string(), z.string()))
    .default([])
    .describe(
      inBoth(
        'Prompts without content, for `--calibrate`: fields and what replaces them.',
        '供 `--calibrate` 使用的无内容提示：字段及其替换文字。',
      ),
    ),
  cuts: z
    .array(cutSchema)
    .default([])
    .describe(
      inBoth(
        'What is shortened, in this order, where a prompt does not fit; nothing else ever is.',
        '提示放不下时依次截短的字段；其余从不截短。',
      ),
    ),
  tuning: templateSchema
    .optional()
    .describe(inBoth('Pattern for `--tune`: a template without brackets.', '`--tune` 的模板：不带方括号。')),
  metric: z.literal('accuracy').default('accuracy').describe(inBoth('The only one there is.', '目前只有这一种。')),
};

const lineSchema = z.strictObject({
  id: z.string().optional().describe(inBoth('Where the id stands.', 'id 所在之处。')),
  gold: z
    .string()
    .describe(
      inBoth(
        'Where the right label stands; lines without it are not judged.',
        '正确标签所在之处；没有标签的行不计对错。',
      ),
    ),
  fields: z
    .record(z.string(), z.string())
    .describe(
      inBoth(
        'Names that templates use, and where each stands; a list of texts is joined by 、.',
        '模板所用的字段名及其所在之处；文本列表以“、”连接。',
      ),
    ),
  choices: z
    .string()
    .optional()
    .describe(
      inBoth(
        'Where a list of texts stands that are the words of the labels 0, 1, … of this example, in place of `words`.',
        '文本列表所在之处：依次为此样例中标签 0、1…… 的标签词，代替 `words`。',
      ),
    ),
});

export const taskFileSchema = z.strictObject({
  ...shared,
  line: lineSchema.describe(
    inBoth(
      'Where a line of the data keeps things; `review.text` leads into nested objects.',
      '数据行中各项所在之处；`review.text` 表示嵌套的字段。',
    ),
  ),
});

/** A module brings its own function in place of `line`, and may have what a Task has beside. */
export const taskModuleSchema = z.object({
  ...shared,
  read: z.custom<Task['read']>((value) => typeof value === 'function', inBoth('a function is expected', '应为函数')),
});

export type LineDescription = z.output<typeof lineSchema>;
