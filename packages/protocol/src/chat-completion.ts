/** The answer of `POST /v1/chat/completions`: whole, and as chunks of a stream. */
import { z } from 'zod';
import { type Completion, completionSchema } from './completion.ts';
import { inBoth } from './mistakes/said.ts';

const { shape } = completionSchema;
const { index, finish_reason } = shape.choices.element.shape;

const tokenSchema = z.object({
  token: z
    .string()
    .describe(inBoth('Its text, as in logprobs of completions.', '其文本，与续写接口的 logprobs 相同。')),
  logprob: z.number().describe(inBoth('Natural logarithm of its probability.', '其概率的自然对数。')),
  bytes: z.array(z.int()).describe(inBoth('Its bytes of UTF-8.', '其 UTF-8 字节。')),
});

const chatLogprobsSchema = z.object({
  content: z
    .array(tokenSchema.extend({ top_logprobs: z.array(tokenSchema) }))
    .describe(
      inBoth(
        'The tokens of the answer, each with the likeliest in its place.',
        '回答的各词元，以及各位置上最可能的词元。',
      ),
    ),
});

const choice = z.object({
  index: index.describe(inBoth('Number of the answer.', '回答的序号。')),
  message: z.object({
    role: z.literal('assistant'),
    content: z.string().describe(inBoth('The answer, always whole characters.', '回答，总是完整的字符。')),
  }),
  logprobs: chatLogprobsSchema
    .nullable()
    .describe(inBoth('null unless logprobs was asked for.', '未求 logprobs 时为 null。')),
  finish_reason,
});

export const chatCompletionSchema = z.object({
  id: z.string().describe(inBoth('chatcmpl- and 32 hexadecimal digits.', 'chatcmpl- 加 32 位十六进制数字。')),
  object: z.literal('chat.completion'),
  created: shape.created,
  model: shape.model,
  choices: z.array(choice).describe(inBoth('The answers.', '各个回答。')),
  usage: shape.usage,
  AIGC: shape.AIGC,
  prompt_logprobs: shape.choices.element.shape.prompt_logprobs,
});

export type ChatLogprobs = z.infer<typeof chatLogprobsSchema>;
export type ChatCompletion = z.infer<typeof chatCompletionSchema>;

/** A part of a stream; the first of each answer names the role. */
export interface ChatCompletionChunk extends Pick<Completion, 'id' | 'created' | 'model' | 'usage' | 'AIGC'> {
  readonly object: 'chat.completion.chunk';
  readonly choices: readonly {
    readonly index: number;
    readonly delta: { readonly role?: 'assistant'; readonly content?: string };
    readonly logprobs: ChatLogprobs | null;
    readonly finish_reason: Completion['choices'][number]['finish_reason'];
  }[];
}
