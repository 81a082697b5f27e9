/**
 * The body of `POST /v1/chat/completions`, for models that have a chat template. Sampling is that of completions, field by field; what is
 * said there of unknown fields, wrong values and `null` holds here too. Messages are texts: tools and pictures are refused.
 */
import { z } from 'zod';
import { completionRequestSchema, LIMITS } from './completion-request.ts';
import { constraintFields, constraintMistakes } from './constraint-fields.ts';
import { advising, optional, withDefault } from './field.ts';
import { inBoth } from './mistakes/said.ts';
import { aliasFields, contradictions, samplingFields } from './sampling-fields.ts';

const ROLES = ['system', 'user', 'assistant'] as const;

const part = z.object({ type: z.literal('text'), text: z.string() });
const content = advising(z.union([z.string(), z.array(part)]), {
  expected: { en: 'expected a text, or a list of text parts', zh: '应为一段文本，或文本片段的列表' },
  meant: (value) => (Array.isArray(value) ? 1 : 0),
});

const message = z.object({
  role: z.enum(ROLES).describe(inBoth('Who speaks.', '说话者。')),
  content: content.describe(
    inBoth(
      'What was said. A special token in it is ordinary characters.',
      '所说的内容。其中写出的特殊词元只是普通字符。',
    ),
  ),
});

const { shape } = completionRequestSchema;
const sampling = {
  temperature: shape.temperature,
  top_p: shape.top_p,
  stop: shape.stop,
  seed: shape.seed,
  presence_penalty: shape.presence_penalty,
  frequency_penalty: shape.frequency_penalty,
  logit_bias: shape.logit_bias,
  top_k: shape.top_k,
  min_p: shape.min_p,
  repetition_penalty: shape.repetition_penalty,
  frequencyPenalty: shape.frequencyPenalty,
  responsePenalty: shape.responsePenalty,
  noRepeatNgramSize: shape.noRepeatNgramSize,
  ...samplingFields,
  ...constraintFields,
  ...aliasFields,
  stream: shape.stream,
  stream_options: shape.stream_options,
  user: shape.user,
};

/** Of the fields that have aliases. */
const DEFAULTS = { max_tokens: 1024, repetition_penalty: 1, noRepeatNgramSize: 0 };

export const chatRequestSchema = z
  .object({
    model: shape.model,
    messages: z
      .array(message)
      .min(1)
      .max(LIMITS.messages)
      .describe(
        inBoth(
          `The conversation so far, at most ${LIMITS.messages} messages; the answer is the next one of the assistant.`,
          `至此的对话，至多 ${LIMITS.messages} 条消息；回答是助手的下一条。`,
        ),
      ),
    max_completion_tokens: optional(
      z.int().min(1),
      'Most tokens of the answer; the context of the model ends it earlier. Absent: what max_tokens says.',
      '回答的最多词元数；到模型上下文的末尾也会停。省略时以 max_tokens 为准。',
    ),
    max_tokens: withDefault(
      z.int().min(1),
      DEFAULTS.max_tokens,
      'The older name of max_completion_tokens.',
      'max_completion_tokens 的旧名。',
    ),
    n: withDefault(z.int().min(1).max(LIMITS.choices), 1, 'Answers to make.', '生成的回答数。'),
    logprobs: withDefault(
      z.boolean(),
      false,
      'Log-probabilities of the tokens of the answer, before temperature, penalties and bias.',
      '给出回答各词元的对数概率（未经温度、惩罚与偏置）。',
    ),
    top_logprobs: optional(
      z.int().min(0).max(LIMITS.logprobs),
      'With logprobs: of this many likeliest alternatives too.',
      '与 logprobs 一起：并给出这么多个最可能候选。',
    ),
    ...sampling,
  })
  .check(({ value, issues }) => {
    const refuse = (field: keyof typeof value, message: string, zh: string) =>
      issues.push({ code: 'custom', path: [field], message, params: { zh }, input: value[field] });
    if (value.stream_options !== undefined && !value.stream) {
      const zh = '只能与 stream: true 一起使用；请删去';
      refuse('stream_options', 'is allowed only together with stream: true; leave it out', zh);
    }
    if (value.top_logprobs !== undefined && !value.logprobs) {
      const zh = '只能与 logprobs: true 一起使用；请加上 logprobs';
      refuse('top_logprobs', 'is allowed only together with logprobs: true; add it', zh);
    }
    const limits = { ...value, max_tokens: value.max_completion_tokens ?? value.max_tokens };
    for (const { field, message } of [...contradictions(limits, DEFAULTS), ...constraintMistakes(value)]) {
      refuse(field as keyof typeof value, message.en, message.zh);
    }
  });

/** A checked request, every default filled in. */
export type ChatRequest = z.output<typeof chatRequestSchema>;

/** Role and text of each message. */
export function messagesOf({ messages }: ChatRequest): { readonly role: string; readonly content: string }[] {
  return messages.map(({ role, content: said }) => ({
    role,
    content: typeof said === 'string' ? said : said.map(({ text }) => text).join(''),
  }));
}
