/** Between the API's words and the engine's: a request in, answers and chunks out. No HTTP here. */
import type { FinishReason, GenerationRequest, GenerationResult, TokenReport, TokenUsage } from '@tunan/inference';
import {
  type ChatRequest,
  type Completion,
  type CompletionChoice,
  type CompletionLogprobs,
  type CompletionRequest,
  constraintOf,
  type PromptLogprobs,
  promptsOf,
  stopsOf,
  type Usage,
  withoutAliases,
} from '@tunan/protocol';

/** What all parts of one answer have in common. */
export type AnswerHead = Pick<Completion, 'id' | 'object' | 'created' | 'model' | 'AIGC'>;

/** What completions and chat have in common: how many answers, and how their tokens are drawn. */
export function toGenerationRequest(request: CompletionRequest | ChatRequest): Omit<GenerationRequest, 'prompts'> {
  return {
    choices: request.n,
    ...withoutAliases(request),
    minTokens: request.min_tokens,
    ignoreEnd: request.ignore_eos,
    temperature: request.temperature,
    topK: request.top_p === 0 ? 1 : Math.max(0, request.top_k), // OpenAI's top_p of 0 leaves the likeliest token; ours is off there
    topP: request.top_p,
    minP: request.min_p,
    typicalP: request.typical_p,
    frequencyPenalty: request.frequencyPenalty,
    responsePenalty: request.responsePenalty,
    additivePresence: request.presence_penalty,
    additiveFrequency: request.frequency_penalty,
    logitBias: new Map(Object.entries(request.logit_bias).map(([id, bias]) => [Number(id), bias])),
    stop: stopsOf(request.stop),
    includeStop: request.include_stop_str_in_output,
    stopTokens: request.stop_token_ids,
    constraint: constraintOf(request),
    promptLogprobs: request.prompt_logprobs,
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
  const choices = result.sequences.map(({ promptTokens, ...sequence }, index) => {
    const choice = toChoice({ index, ...sequence }, withLogprobs);
    return promptTokens === undefined ? choice : { ...choice, prompt_logprobs: toPromptLogprobs(promptTokens) };
  });
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

/** In the form of vLLM: by id, the token itself and the likeliest. */
export function toPromptLogprobs(tokens: readonly TokenReport[]): PromptLogprobs {
  return tokens.map(({ id, text, logprob, rank, alternatives }) => {
    if (logprob === undefined) return null;
    const likeliest = alternatives.map((other, place) => ({ rank: place + 1, ...other }));
    const entries = [...likeliest, { id, text, logprob, rank: rank ?? null }].map(
      (token) => [String(token.id), { logprob: token.logprob, rank: token.rank, decoded_token: token.text }] as const,
    );
    return Object.fromEntries(entries);
  });
}

/** Null where another server computes and does not count. */
export function toUsage({ promptTokens, cachedTokens, completionTokens }: TokenUsage): Usage | null {
  if (promptTokens === undefined) return null;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    ...(cachedTokens !== undefined && { prompt_tokens_details: { cached_tokens: cachedTokens } }),
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
