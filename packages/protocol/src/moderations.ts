/** `POST /v1/moderations`: what a classifier of the deployment says of texts. Categories are its own labels, not OpenAI's. */
import { z } from 'zod';
import { LIMITS } from './completion-request.ts';
import { advising, optional } from './field.ts';
import { inBoth } from './mistakes/said.ts';

const part = z.object({ type: z.literal('text'), text: z.string() });
const input = advising(
  z.union([z.string(), z.array(z.string()).min(1).max(LIMITS.prompts), z.array(part).min(1).max(LIMITS.prompts)]),
  {
    expected: {
      en: 'expected a text, a list of texts, or a list of text parts',
      zh: '应为一段文本、文本列表，或文本片段的列表',
    },
    meant: (value) => (Array.isArray(value) ? (typeof value[0] === 'string' ? 1 : 2) : 0),
    wayOut: { en: '; send several requests', zh: '；请分成几个请求' },
  },
);

export const moderationsRequestSchema = z.object({
  input: input.describe(
    inBoth(
      `A text or several, at most ${LIMITS.prompts}; each is judged for itself.`,
      `一段或多段文本，至多 ${LIMITS.prompts} 条，各自判断。`,
    ),
  ),
  model: optional(
    z.string(),
    'Accepted and not used: a server has one classifier.',
    '接受，但不使用：服务器只有一个分类器。',
  ),
});

export const moderationsSchema = z.object({
  id: z.string().describe(inBoth('modr- and 32 hexadecimal digits.', 'modr- 加 32 位十六进制数字。')),
  model: z.string().describe(inBoth('What the classifier is called.', '分类器的名字。')),
  results: z.array(
    z.object({
      flagged: z.boolean().describe(inBoth('Whether any category holds.', '是否属于任一类别。')),
      categories: z
        .record(z.string(), z.boolean())
        .describe(inBoth('By label: whether its probability reaches its threshold.', '各标签：概率是否达到其阈值。')),
      category_scores: z
        .record(z.string(), z.number())
        .describe(
          inBoth('By label: the greatest probability in any part of the text.', '各标签：文本任一部分的最大概率。'),
        ),
    }),
  ),
});

export type ModerationsRequest = z.output<typeof moderationsRequestSchema>;
export type Moderations = z.infer<typeof moderationsSchema>;
