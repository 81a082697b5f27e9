/**
 * `/v1/responses`, OpenAI's newer form of a conversation, as far as texts go: instructions and messages in, one message out, whole or as
 * named events. What was answered may be kept for a while, and a later request goes on from it. Tools and pictures are not there.
 */
import { z } from 'zod';
import { aigcSchema } from './aigc.ts';
import { chatRequestSchema } from './chat-request.ts';
import { completionRequestSchema, LIMITS } from './completion-request.ts';
import { advising, optional, withDefault } from './field.ts';
import { inBoth } from './mistakes/said.ts';

const { shape } = completionRequestSchema;

const part = z.object({ type: z.enum(['input_text', 'output_text', 'text']), text: z.string() });
const message = z.object({
  type: z.literal('message').optional(),
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: z.union([z.string(), z.array(part)]),
});
/** A message of a response that was kept. */
const reference = z.object({ type: z.literal('item_reference'), id: z.string().max(128) });
const item = z.union([message, reference]);

const input = advising(z.union([z.string(), z.array(item).min(1).max(LIMITS.messages)]), {
  expected: {
    en: 'expected a text, or a list of messages with role and text, or of references to kept ones',
    zh: '应为一段文本，或消息列表：消息含 role 与文本，或引用已保存的消息',
  },
  meant: (value) => (Array.isArray(value) ? 1 : 0),
});

const format = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({ type: z.literal('json_schema'), name: z.string().optional(), schema: z.record(z.string(), z.unknown()) }),
]);

const REFUSED = {
  conversation: {
    en: 'conversations are not kept here: go on from a response with previous_response_id, and leave it out',
    zh: '此处不保存 conversation：请用 previous_response_id 接续先前的应答，并删去此字段',
  },
  background: {
    en: 'responses are made while the caller waits: leave it out, and use stream or /v1/batches',
    zh: '应答在调用者等待期间生成：请删去此字段，改用 stream 或 /v1/batches',
  },
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
    store: withDefault(
      z.boolean(),
      true,
      'Keep the response for a while, so that it can be asked for and gone on from. Nothing is kept when false, or where the server keeps none.',
      '保存应答一段时间，以便查询与接续。为 false 时，或服务器不保存时，不保存。',
    ),
    metadata: optional(z.record(z.string(), z.string()), 'Given back in the answer.', '在应答中原样返回。'),
    previous_response_id: optional(
      z.string().max(128),
      'A kept response of the same organisation: its conversation stands before input. Its instructions do not.',
      '同一机构已保存的应答：其对话置于 input 之前，其 instructions 不再沿用。',
    ),
    conversation: optional(
      z.union([z.string(), z.object({ id: z.string() })]),
      'Refused: conversations are not kept.',
      '拒绝：此处不保存对话。',
    ),
    background: optional(z.boolean(), 'Refused when true.', '为 true 时拒绝。'),
    user: shape.user,
  })
  .check(({ value, issues }) => {
    for (const field of ['conversation', 'background'] as const) {
      if (value[field] === undefined || value[field] === false) continue;
      const { en, zh } = REFUSED[field];
      issues.push({ code: 'custom', path: [field], message: en, params: { zh }, input: value[field] });
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
  previous_response_id: z.string().nullable(),
  store: z.boolean().describe(inBoth('Whether it is kept.', '是否已保存。')),
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

/** A message of the conversation to which a response is the answer. */
const inputItemSchema = z.object({
  type: z.literal('message'),
  id: z.string(),
  status: z.literal('completed'),
  role: z.enum(['system', 'user', 'assistant']),
  content: z.array(z.object({ type: z.enum(['input_text', 'output_text']), text: z.string() })),
});

/** Of `GET /v1/responses/{id}/input_items`. */
export const inputItemListSchema = z.object({
  object: z.literal('list'),
  data: z.array(inputItemSchema),
  first_id: z.string().nullable(),
  last_id: z.string().nullable(),
  has_more: z.boolean(),
});

export const inputItemsQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20).describe(inBoth('Most items.', '最多条数。')),
  order: z
    .enum(['asc', 'desc'])
    .default('desc')
    .describe(inBoth('desc: the last of the conversation first.', 'desc：对话中最后的在前。')),
  after: z.string().optional().describe(inBoth('The id of the item before the first.', '起始条目之前一条的编号。')),
});

export const responseDeletedSchema = z.object({
  id: z.string(),
  object: z.literal('response'),
  deleted: z.literal(true),
});

export type ResponsesRequest = z.output<typeof responsesRequestSchema>;
export type ResponseBody = z.infer<typeof responseSchema>;
export type ResponseMessage = ResponseBody['output'][number];
export type InputItem = z.infer<typeof inputItemSchema>;

/** One who speaks, and what is said. */
export interface SpokenMessage {
  readonly role: InputItem['role'];
  readonly content: string;
}

/** What the request adds to a conversation. @param find the message of an id that a request refers to */
export function spokenOf(
  { input: asked }: Pick<ResponsesRequest, 'input'>,
  find: (id: string) => SpokenMessage,
): SpokenMessage[] {
  if (typeof asked === 'string') return [{ role: 'user', content: asked }];
  return asked.map((one) => {
    if (one.type === 'item_reference') return find(one.id);
    const { role, content } = one;
    const text = typeof content === 'string' ? content : content.map((piece) => piece.text).join('');
    return { role: role === 'developer' ? 'system' : role, content: text };
  });
}

/** The same as a request of chat. @param spoken the conversation, without instructions @throws ZodError where a schema asks for what cannot be had */
export function chatRequestOf(request: ResponsesRequest, spoken: readonly SpokenMessage[]) {
  const { instructions, max_output_tokens, text, model, temperature, top_p, stream } = request;
  const messages = [
    ...(instructions === undefined ? [] : [{ role: 'system' as const, content: instructions }]),
    ...spoken,
  ];
  const shared = { model, temperature, top_p, stream, messages, max_completion_tokens: max_output_tokens };
  return chatRequestSchema.parse({ ...shared, response_format: formatOf(text?.format) });
}

function formatOf(asked: z.output<typeof format> | undefined) {
  if (asked?.type !== 'json_schema') return asked;
  const { name = 'answer', schema } = asked;
  return { type: 'json_schema', json_schema: { name, schema } };
}
