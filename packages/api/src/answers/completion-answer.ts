/** Between the API's words and the engine's: a request in, answers and chunks out. No HTTP here. */
import type { FinishReason, GenerationRequest, GenerationResult, TokenReport, TokenUsage } from '@tunan/inference';
import {
  type ChatRequest,
  type Completion,
  type CompletionChoice,
  type CompletionLogprobs,
  type CompletionRequest,
  promptsOf,
  stopsOf,
  type Usage,
} from '@tunan/protocol';

/** What all parts of one answer have in common. */
export type AnswerHead = Pick<Completion, 'id' | 'object' | 'created' | 'model'>;

/** What completions and chat have in common: how many answers, and how their tokens are drawn. */
export function toGenerationRequest(request: CompletionRequest | ChatRequest): Omit<GenerationRequest, 'prompts'> {
  return {
    choices: request.n,
    maxTokens: request.max_tokens,
    temperature: request.temperature,
    topK: request.top_p === 0 ? 1 : Math.max(0, request.top_k), // OpenAI's top_p of 0 leaves the likeliest token; ours is off there
    topP: request.top_p,
    minP: request.min_p,
    repetitionPenalty: request.repetition_penalty,
    frequencyPenalty: request.frequencyPenalty,
    responsePenalty: request.responsePenalty,
    noRepeatNgramSize: request.noRepeatNgramSize,
    additivePresence: request.presence_penalty,
    additiveFrequency: request.frequency_penalty,
    logitBias: new Map(Object.entries(request.logit_bias).map(([id, bias]) => [Number(id), bias])),
    stop: stopsOf(request.stop),
    ...(request.seed !== undefined && { seed: request.seed }),
  };
}

/** What completions alone have. */
export function textOptions(request: CompletionRequest) {
  return {
    prompts: promptsOf(request.prompt),
    logprobs: request.logprobs,
    echo: request.echo,
    beginDocument: request.begin_document,
  };
}

export function toCompletion(head: AnswerHead, result: GenerationResult, withLogprobs: boolean): Completion {
  const choices = result.sequences.map(({ text, tokens, finishReason }, index) =>
    toChoice({ index, text, tokens, finishReason }, withLogprobs),
  );
  return { ...head, choices, usage: toUsage(result.usage) };
}

export function toChoice(
  part: {
    readonly index: number;
    readonly text: string;
    readonly tokens: readonly TokenReport[];
    readonly finishReason: FinishReason | undefined;
  },
  withLogprobs: boolean,
): CompletionChoice {
  return {
    index: part.index,
    text: part.text,
    logprobs: withLogprobs ? toLogprobs(part.tokens) : null,
    finish_reason: part.finishReason ?? null,
  };
}

/** Null where another server computes and does not count. */
export function toUsage({ promptTokens, completionTokens }: TokenUsage): Usage | null {
  if (promptTokens === undefined) return null;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

/** As with OpenAI, top_logprobs holds the taken token too, so up to one more than was asked for. */
function toLogprobs(tokens: readonly TokenReport[]): CompletionLogprobs {
  return {
    tokens: tokens.map(({ text }) => text),
    token_logprobs: tokens.map(({ logprob }) => logprob ?? null),
    top_logprobs: tokens.map(({ text, logprob, alternatives }) => {
      if (logprob === undefined) return null;
      return Object.fromEntries([...alternatives.map((other) => [other.text, other.logprob]), [text, logprob]]);
    }),
    text_offset: tokens.map(({ offset }) => offset),
  };
}
