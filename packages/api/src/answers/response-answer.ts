/** Between the words of `/v1/responses` and the engine's: the answer whole, and as the events of a stream. No HTTP here. */
import type { FinishReason, Generation, GenerationResult, TokenUsage } from '@tunan/inference';
import type { ResponseBody, ResponseMessage, ResponsesRequest } from '@tunan/protocol';
import { newNumber } from '../responses/response-store.ts';
import { aigcOf, type ContentMark } from '../safety/content-mark.ts';

/** What all parts of one answer have in common. */
export interface ResponseHead {
  readonly id: string;
  /** Of its id and those of its messages. */
  readonly number: string;
  readonly messageId: string;
  readonly created: number;
  readonly model: string;
  readonly request: ResponsesRequest;
  /** As generated, where the deployment says so. */
  readonly marked: Pick<ResponseBody, 'AIGC'>;
}

export function responseHead(model: string, request: ResponsesRequest, mark: ContentMark | undefined): ResponseHead {
  const created = Math.floor(Date.now() / 1000);
  const number = newNumber(created);
  const id = `resp_${number}`;
  return { id, number, messageId: `msg_${number}`, created, model, request, marked: aigcOf(mark, id) };
}

export function toResponse(head: ResponseHead, { sequences, usage }: GenerationResult): ResponseBody {
  const [answer] = sequences;
  return ended(head, answer?.text ?? '', answer?.finishReason, usage);
}

/** Keeps a response where that is wanted, and says in it whether it was kept. */
export type Keep = (response: ResponseBody) => Promise<ResponseBody>;

/** An event of a stream, by its name. */
export type ResponseEvent = { readonly type: string; readonly sequence_number: number } & Readonly<
  Record<string, unknown>
>;

export async function* responseEvents(
  head: ResponseHead,
  generation: Generation,
  keep: Keep,
): AsyncGenerator<ResponseEvent, void, void> {
  let number = 0;
  const event = (type: string, more: object): ResponseEvent => ({ type, sequence_number: number++, ...more });
  const place = { item_id: head.messageId, output_index: 0, content_index: 0 };
  const begun = bodyOf(head, { status: 'in_progress', incomplete_details: null, output: [], usage: null });
  yield event('response.created', { response: begun });
  yield event('response.in_progress', { response: begun });
  yield event('response.output_item.added', { output_index: 0, item: messageOf(head, 'in_progress', []) });
  yield event('response.content_part.added', { ...place, part: textPart('') });
  let text = '';
  let finished: FinishReason | undefined;
  for await (const { text: delta, finishReason } of generation) {
    text += delta;
    finished = finishReason ?? finished;
    if (delta !== '') yield event('response.output_text.delta', { ...place, delta, logprobs: [] });
  }
  const response = await keep(ended(head, text, finished, generation.usage));
  yield event('response.output_text.done', { ...place, text, logprobs: [] });
  yield event('response.content_part.done', { ...place, part: textPart(text) });
  yield event('response.output_item.done', { output_index: 0, item: response.output[0] });
  yield event(response.status === 'completed' ? 'response.completed' : 'response.incomplete', { response });
}

function ended(head: ResponseHead, text: string, reason: FinishReason | undefined, usage: TokenUsage): ResponseBody {
  const status = reason === 'length' || reason === 'content_filter' ? 'incomplete' : 'completed';
  const why = reason === 'content_filter' ? reason : 'max_output_tokens';
  const incomplete_details = status === 'incomplete' ? { reason: why } : null;
  return bodyOf(head, {
    status,
    incomplete_details,
    output: [messageOf(head, status, [textPart(text)])],
    usage: usageOf(usage),
  });
}

function bodyOf(
  { id, created, model, request, marked }: ResponseHead,
  state: Pick<ResponseBody, 'status' | 'output' | 'usage' | 'incomplete_details'>,
): ResponseBody {
  const { instructions = null, max_output_tokens = null, temperature, top_p, metadata = {} } = request;
  const { previous_response_id = null } = request;
  return {
    ...{ id, object: 'response', created_at: created, model },
    ...{ error: null, instructions, max_output_tokens, temperature, top_p, metadata },
    ...{ parallel_tool_calls: false, previous_response_id, store: false },
    ...{
      text: { format: request.text?.format ?? { type: 'text' } },
      tool_choice: 'none',
      tools: [],
      truncation: 'disabled',
    },
    ...state,
    ...marked,
  };
}

const textPart = (text: string) => ({ type: 'output_text' as const, text, annotations: [], logprobs: [] });

const messageOf = (
  { messageId }: ResponseHead,
  status: ResponseMessage['status'],
  content: ResponseMessage['content'],
): ResponseMessage => ({ type: 'message', id: messageId, status, role: 'assistant', content });

/** Null where another server computes and does not count. */
function usageOf({ promptTokens, cachedTokens, completionTokens }: TokenUsage): ResponseBody['usage'] {
  if (promptTokens === undefined) return null;
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens ?? 0 },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: promptTokens + completionTokens,
  };
}
