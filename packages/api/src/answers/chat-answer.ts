/** Between the chat API's words and the engine's: answers and chunks of answers. No HTTP here. */
import type { GenerationChunk, GenerationResult, TokenReport } from '@tunan/inference';
import type { ChatCompletion, ChatCompletionChunk, ChatLogprobs, Completion } from '@tunan/protocol';
import { toPromptLogprobs, toUsage } from './completion-answer.ts';

/** What all parts of one answer have in common. */
export type ChatHead = Pick<Completion, 'id' | 'created' | 'model' | 'AIGC'>;

export function toChatCompletion(head: ChatHead, result: GenerationResult, withLogprobs: boolean): ChatCompletion {
  const choices = result.sequences.map(({ text, tokens, finishReason }, index) => ({
    index,
    message: { role: 'assistant' as const, content: text },
    logprobs: withLogprobs ? toChatLogprobs(tokens) : null,
    finish_reason: finishReason ?? null,
  }));
  const prompt = result.sequences[0]?.promptTokens;
  const promptLogprobs = prompt === undefined ? {} : { prompt_logprobs: toPromptLogprobs(prompt) };
  return { ...head, object: 'chat.completion', choices, usage: toUsage(result.usage), ...promptLogprobs };
}

/** @param first of its answer */
export function toChatChunk(
  head: ChatHead,
  { index, text, tokens, finishReason }: GenerationChunk,
  first: boolean,
  withLogprobs: boolean,
): ChatCompletionChunk {
  const delta = { ...(first && { role: 'assistant' as const }), content: text };
  const logprobs = withLogprobs ? toChatLogprobs(tokens) : null;
  return {
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index, delta, logprobs, finish_reason: finishReason ?? null }],
  };
}

/** The likeliest tokens alone stand in top_logprobs, as with OpenAI; the taken one is among them if it is likely enough. */
function toChatLogprobs(tokens: readonly TokenReport[]): ChatLogprobs {
  const content = tokens.flatMap(({ text, logprob, alternatives }) => {
    if (logprob === undefined) return [];
    const likeliest = alternatives.map((other) => tokenOf(other.text, other.logprob));
    return [{ ...tokenOf(text, logprob), top_logprobs: likeliest }];
  });
  return { content };
}

function tokenOf(token: string, logprob: number) {
  return { token, logprob, bytes: [...bytesOf(token)] };
}

/** The bytes of a token as reports write it: text, or `bytes:\xe6\x98`. */
function bytesOf(token: string): Uint8Array {
  const written = /^bytes:((?:\\x[0-9a-f]{2})+)$/.exec(token)?.[1];
  return written === undefined ? Buffer.from(token, 'utf8') : Buffer.from(written.replaceAll('\\x', ''), 'hex');
}
