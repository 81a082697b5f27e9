/**
 * `POST /v1/responses`, OpenAI's newer form of a conversation, as far as texts go: instructions and messages in, one message out, whole or as
 * named events. Nothing is kept: what would go on from an earlier response is refused. Tools and pictures are not there.
 */
import { z } from 'zod';
import { aigcSchema } from './aigc.ts';
import { chatRequestSchema } from './chat-request.ts';
import { completionRequestSchema, LIMITS } from './completion-request.ts';
import { advising, optional, withDefault } from './field.ts';
import { inBoth } from './mistakes/said.ts';

const { shape } = completionRequestSchema;

const part = z.object({ type: z.enum(['input_text', 'output_text', 'text']), text: z.string() });
const item = z.object({
  type: z.literal('message').optional(),
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: z.union([z.string(), z.array(part)]),
});

const input = advising(z.union([z.string(), z.array(item).min(1).max(LIMITS.messages)]), {
  expected: {
    en: 'expected a text, or a list of messages with role and text',
    zh: '应为一段文本，或含 role 与文本的消息列表',
  },
  meant: (value) => (Array.isArray(value) ? 1 : 0),
});

const format = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({ type: z.literal('json_schema'), name: z.string().optional(), schema: z.record(z.string(), z.unknown()) }),
]);

const NOT_KEPT = {
  en: 'responses are not kept here: send the whole conversation as input, and leave it out',
  zh: '此处不保存应答：请在 input 中发送完整对话，并删去此字段',
};

export const responsesRequestSchema = z
  .object({
    model: shape.model,
    input: input.describe(inBoth('A text of the user, or the conversation so far.', '用户的一段文本，或至此的对话。')),
    instructions: optional(
      z.string(),
      'Stands before the conversation, as of the system.',
      '置于对话之前，作为系统消息。',
    ),
    max_output_tokens: optional(
      z.int().min(1),
      'Most tokens of the answer; 1024 when absent.',
      '回答的最多词元数；省略时为 1024。',
    ),
    temperature: shape.temperature,
    top_p: shape.top_p,
    text: optional(
      z.object({ format: format.optional() }),
      'format: text, json_object, or json_schema with a schema that the answer satisfies.',
      'format：text、json_object，或 json_schema（回答须满足其 schema）。',
    ),
    stream: withDefault(
      z.boolean(),
      false,
      'Answer as named server-sent events, from response.created to response.completed.',
      '以具名的服务器推送事件作答，从 response.created 到 response.completed。',
    ),
    store: optional(z.boolean(), 'Accepted; nothing is kept.', '接受，但不保存。'),
    metadata: optional(z.record(z.string(), z.string()), 'Given back in the answer.', '在应答中原样返回。'),
    previous_response_id: optional(z.string(), 'Refused: responses are not kept.', '拒绝：此处不保存应答。'),
    conversation: optional(
      z.union([z.string(), z.object({ id: z.string() })]),
      'Refused: conversations are not kept.',
      '拒绝：此处不保存对话。',
    ),
    background: optional(z.boolean(), 'Refused when true.', '为 true 时拒绝。'),
    user: shape.user,
  })
  .check(({ value, issues }) => {
    for (const field of ['previous_response_id', 'conversation', 'background'] as const) {
      if (value[field] === undefined || value[field] === false) continue;
      issues.push({
        code: 'custom',
        path: [field],
        message: NOT_KEPT.en,
        params: { zh: NOT_KEPT.zh },
        input: value[field],
      });
    }
  });

const outputTextSchema = z.object({
  type: z.literal('output_text'),
  text: z.string().describe(inBoth('The answer.', '回答。')),
  annotations: z.array(z.unknown()),
  logprobs: z.array(z.unknown()),
});

export const responseSchema = z.object({
  id: z.string().describe(inBoth('resp_ and 32 hexadecimal digits.', 'resp_ 加 32 位十六进制数字。')),
  object: z.literal('response'),
  created_at: z.int().describe(inBoth('Unix time, seconds.', 'Unix 时间，秒。')),
  status: z
    .enum(['in_progress', 'completed', 'incomplete', 'failed'])
    .describe(
      inBoth(
        'incomplete: max_output_tokens or the context ended it.',
        'incomplete：因 max_output_tokens 或上下文而止。',
      ),
    ),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  incomplete_details: z.object({ reason: z.string() }).nullable(),
  instructions: z.string().nullable(),
  max_output_tokens: z.int().nullable(),
  model: z.string().describe(inBoth('The served model.', '所服务的模型。')),
  output: z.array(
    z.object({
      type: z.literal('message'),
      id: z.string(),
      status: z.enum(['in_progress', 'completed', 'incomplete']),
      role: z.literal('assistant'),
      content: z.array(outputTextSchema),
    }),
  ),
  parallel_tool_calls: z.boolean(),
  previous_response_id: z.null(),
  store: z.boolean(),
  temperature: z.number(),
  text: z.object({ format: z.looseObject({ type: z.string() }) }),
  tool_choice: z.literal('none'),
  tools: z.array(z.unknown()),
  top_p: z.number(),
  truncation: z.literal('disabled'),
  usage: z
    .object({
      input_tokens: z.int(),
      input_tokens_details: z.object({ cached_tokens: z.int() }),
      output_tokens: z.int(),
      output_tokens_details: z.object({ reasoning_tokens: z.int() }),
      total_tokens: z.int(),
    })
    .nullable(),
  metadata: z.record(z.string(), z.string()),
  AIGC: aigcSchema.optional(),
});

export type ResponsesRequest = z.output<typeof responsesRequestSchema>;
export type ResponseBody = z.infer<typeof responseSchema>;
export type ResponseMessage = ResponseBody['output'][number];

/** The same as a request of chat. @throws ZodError where a schema asks for what cannot be had */
export function chatRequestOf({ input: asked, instructions, max_output_tokens, text, ...body }: ResponsesRequest) {
  const spoken = typeof asked === 'string' ? [{ role: 'user' as const, content: asked }] : asked;
  const messages = [
    ...(instructions === undefined ? [] : [{ role: 'system' as const, content: instructions }]),
    ...spoken.map(({ role, content }) => ({
      role: role === 'developer' ? ('system' as const) : role,
      content: typeof content === 'string' ? content : content.map((one) => one.text).join(''),
    })),
  ];
  const { model, temperature, top_p, stream } = body;
  const shared = { model, temperature, top_p, stream, messages, max_completion_tokens: max_output_tokens };
  return chatRequestSchema.parse({ ...shared, response_format: formatOf(text?.format) });
}

function formatOf(asked: z.output<typeof format> | undefined) {
  if (asked?.type !== 'json_schema') return asked;
  const { name = 'answer', schema } = asked;
  return { type: 'json_schema', json_schema: { name, schema } };
}
