/** `POST /v1/embeddings`: texts or token ids in, a vector of length 1 for each out. */
import { z } from 'zod';
import { completionRequestSchema, LIMITS } from './completion-request.ts';
import { advising, optional, withDefault } from './field.ts';
import { inBoth } from './mistakes/said.ts';

const { shape } = completionRequestSchema;
const tokenIds = z.array(z.int().min(0)).min(1).max(LIMITS.promptTokens);

const input = advising(
  z.union([
    z.string().min(1),
    z.array(z.string().min(1)).min(1).max(LIMITS.prompts),
    tokenIds,
    z.array(tokenIds).min(1).max(LIMITS.prompts),
  ]),
  {
    expected: {
      en: 'expected a text, a list of texts, a list of token ids, or a list of lists of token ids, none of them empty',
      zh: '应为一段文本、文本列表、词元编号列表，或词元编号列表的列表，且都不为空',
    },
    meant: (value) => {
      if (!Array.isArray(value)) return 0;
      return typeof value[0] === 'number' ? 2 : Array.isArray(value[0]) ? 3 : 1;
    },
    wayOut: { en: '; send several requests', zh: '；请分成几个请求' },
  },
);

export const embeddingsRequestSchema = z.object({
  model: shape.model,
  input: input.describe(
    inBoth(
      `A text, several, token ids, or several lists of them: at most ${LIMITS.prompts}. A text longer than the context is refused, not cut.`,
      `一段或多段文本、词元编号或多组编号：至多 ${LIMITS.prompts} 条。超过模型上下文的文本会被拒绝，不会截断。`,
    ),
  ),
  encoding_format: withDefault(
    z.enum(['float', 'base64']),
    'float',
    'float: a list of numbers; base64: the same as 32-bit floats, little-endian.',
    'float：数字列表；base64：同样的数，32 位浮点，小端。',
  ),
  dimensions: optional(
    z.int().min(1),
    'Must be what the model has, if it is given: vectors are not cut.',
    '若给出，须等于模型的维数：向量不会截短。',
  ),
  user: shape.user,
});

export const embeddingsSchema = z.object({
  object: z.literal('list'),
  data: z
    .array(
      z.object({
        object: z.literal('embedding'),
        index: z.int().describe(inBoth('Which input it is of.', '对应第几条输入。')),
        embedding: z
          .union([z.array(z.number()), z.string()])
          .describe(inBoth('The vector, as encoding_format asks.', '向量，形式由 encoding_format 决定。')),
      }),
    )
    .describe(inBoth('In the order of the inputs.', '按输入的次序。')),
  model: z.string().describe(inBoth('The served model.', '所服务的模型。')),
  usage: z.object({
    prompt_tokens: z.int().describe(inBoth('Tokens of all inputs.', '所有输入的词元数。')),
    total_tokens: z.int(),
  }),
});

export type EmbeddingsRequest = z.output<typeof embeddingsRequestSchema>;
export type EmbeddingsRequestInput = z.input<typeof embeddingsRequestSchema>;
export type Embeddings = z.infer<typeof embeddingsSchema>;
