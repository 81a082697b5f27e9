/** Between the chat API's words and the engine's: answers and chunks of answers. No HTTP here. */
import type { GenerationChunk, GenerationResult } from '@tunan/inference';
import type { ChatCompletion, ChatCompletionChunk, Completion } from '@tunan/protocol';
import { toUsage } from './completion-answer.ts';

/** What all parts of one answer have in common. */
export type ChatHead = Pick<Completion, 'id' | 'created' | 'model'>;

export function toChatCompletion({ id, created, model }: ChatHead, result: GenerationResult): ChatCompletion {
  const choices = result.sequences.map(({ text, finishReason }, index) => ({
    index,
    message: { role: 'assistant' as const, content: text },
    finish_reason: finishReason ?? null,
  }));
  return { id, object: 'chat.completion', created, model, choices, usage: toUsage(result.usage) };
}

/** @param first of its answer */
export function toChatChunk(
  head: ChatHead,
  { index, text, finishReason }: GenerationChunk,
  first: boolean,
): ChatCompletionChunk {
  const delta = { ...(first && { role: 'assistant' as const }), content: text };
  const choices = [{ index, delta, finish_reason: finishReason ?? null }];
  return { ...head, object: 'chat.completion.chunk', choices };
}
