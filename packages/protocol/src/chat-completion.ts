/** The answer of `POST /v1/chat/completions`: whole, and as chunks of a stream. */
import { z } from 'zod';
import { type Completion, completionSchema } from './completion.ts';
import { inBoth } from './mistakes/said.ts';

const { shape } = completionSchema;
const { index, finish_reason } = shape.choices.element.shape;

const choice = z.object({
  index: index.describe(inBoth('Number of the answer.', '回答的序号。')),
  message: z.object({
    role: z.literal('assistant'),
    content: z.string().describe(inBoth('The answer, always whole characters.', '回答，总是完整的字符。')),
  }),
  finish_reason,
});

export const chatCompletionSchema = z.object({
  id: z.string().describe(inBoth('chatcmpl- and 32 hexadecimal digits.', 'chatcmpl- 加 32 位十六进制数字。')),
  object: z.literal('chat.completion'),
  created: shape.created,
  model: shape.model,
  choices: z.array(choice).describe(inBoth('The answers.', '各个回答。')),
  usage: shape.usage,
});

export type ChatCompletion = z.infer<typeof chatCompletionSchema>;

/** A part of a stream; the first of each answer names the role. */
export interface ChatCompletionChunk extends Pick<Completion, 'id' | 'created' | 'model' | 'usage'> {
  readonly object: 'chat.completion.chunk';
  readonly choices: readonly {
    readonly index: number;
    readonly delta: { readonly role?: 'assistant'; readonly content?: string };
    readonly finish_reason: Completion['choices'][number]['finish_reason'];
  }[];
}
