/** A body of either API, completions or chat, read and answered by an engine without HTTP: for batches, and for whoever has an engine in hand. */
import { collect, type Engine, type GenerationRequest } from '@tunan/inference';
import {
  type ChatCompletion,
  type ChatRequest,
  type Completion,
  type CompletionRequest,
  chatRequestSchema,
  completionRequestSchema,
  describeInvalid,
  ignoredFields,
  type Language,
} from '@tunan/protocol';
import { toChatCompletion } from './chat-answer.ts';
import { textOptions, toCompletion, toGenerationRequest } from './completion-answer.ts';
import { conversationOf } from './conversation.ts';

export type RequestBody =
  | { readonly kind: 'completion'; readonly body: CompletionRequest }
  | { readonly kind: 'chat'; readonly body: ChatRequest };

/** A body with `messages` is one of chat. Fields that are not known are no mistake, and are named beside the request. */
export function readRequestBody(
  value: unknown,
  language: Language,
): { readonly request: RequestBody; readonly ignored: readonly string[] } | { readonly mistake: string } {
  const isChat = typeof value === 'object' && value !== null && Object.hasOwn(value, 'messages');
  const schema = isChat ? chatRequestSchema : completionRequestSchema;
  const invalid = describeInvalid(schema, value, language);
  if (invalid !== undefined) return { mistake: invalid.message };
  const request: RequestBody = isChat
    ? { kind: 'chat', body: chatRequestSchema.parse(value) }
    : { kind: 'completion', body: completionRequestSchema.parse(value) };
  return { request, ignored: ignoredFields(value, schema) };
}

/** The same in the words of engines. @throws InferenceError where a template does not take the messages */
export function generationOf(engine: Engine, { kind, body }: RequestBody): GenerationRequest {
  if (kind === 'completion') return { ...toGenerationRequest(body), ...textOptions(body) };
  return { ...toGenerationRequest(body), ...chatOptions(body), ...conversationOf(engine, body) };
}

/** What chat alone has. */
function chatOptions({ logprobs, top_logprobs, max_completion_tokens: maxTokens }: ChatRequest) {
  return { logprobs: logprobs ? (top_logprobs ?? 0) : undefined, ...(maxTokens !== undefined && { maxTokens }) };
}

/** @throws InferenceError */
export async function answerBody(
  engine: Engine,
  model: string,
  request: RequestBody,
  signal?: AbortSignal,
): Promise<Omit<Completion, 'id'> | Omit<ChatCompletion, 'id'>> {
  const result = await collect(engine.submit(generationOf(engine, request), signal));
  const head = { id: '', created: Math.floor(Date.now() / 1000), model };
  const { id: _, ...answer } =
    request.kind === 'chat'
      ? toChatCompletion(head, result, request.body.logprobs)
      : toCompletion({ ...head, object: 'text_completion' }, result, request.body.logprobs !== undefined);
  return answer;
}
