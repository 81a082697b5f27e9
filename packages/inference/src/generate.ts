/** Generation as one call, for programs that have a model in hand: command line, evaluation, examples. */
import type { LanguageModel } from '@tunan/model';
import type { Tokenizer } from '@tunan/tokenizer';
import { TorchEngine, type TorchEngineOptions } from './engines/torch/torch-engine.ts';
import type { FinishReason, Generation, GenerationChunk, TokenReport, TokenUsage } from './generation.ts';
import type { GenerationRequest } from './request.ts';

export interface GeneratedSequence {
  readonly text: string;
  /** Empty unless log-probabilities were asked for. */
  readonly tokens: readonly TokenReport[];
  /** Undefined unless promptLogprobs was asked for. */
  readonly promptTokens?: readonly TokenReport[];
  /** 'stop' for <eod> or a stop string, 'length' for maxTokens or the context. */
  readonly finishReason: FinishReason;
}

export interface GenerationResult {
  /** In the order of the prompts, the choices of a prompt side by side. */
  readonly sequences: readonly GeneratedSequence[];
  readonly usage: TokenUsage;
  /** The seed that was used, for doing it again; undefined where another server drew it. */
  readonly seed: number | bigint | undefined;
}

export interface GenerateOptions extends TorchEngineOptions {
  /** Called with every piece of text as it is made. */
  readonly onChunk?: (chunk: GenerationChunk) => void;
  readonly signal?: AbortSignal;
}

/**
 * Answers one request with a model that stays the caller's. Its prompts share the batch.
 * @throws InferenceError
 */
export async function generate(
  model: LanguageModel,
  tokenizer: Tokenizer,
  request: GenerationRequest,
  options: GenerateOptions = {},
): Promise<GenerationResult> {
  const { onChunk, signal, ...limits } = options;
  const count = request.prompts.length * (request.choices ?? 1);
  using engine = new TorchEngine(model, tokenizer, { waitingSize: count, ...limits });
  return await collect(engine.submit(request, signal), onChunk);
}

interface PartOfSequence {
  text: string;
  tokens: TokenReport[];
  promptTokens?: readonly TokenReport[];
  finishReason: FinishReason | undefined;
}

/** Reads a generation to its end. */
export async function collect(
  generation: Generation,
  onChunk?: (chunk: GenerationChunk) => void,
): Promise<GenerationResult> {
  const parts = new Map<number, PartOfSequence>();
  for await (const chunk of generation) {
    onChunk?.(chunk);
    const part: PartOfSequence = parts.get(chunk.index) ?? { text: '', tokens: [], finishReason: undefined };
    part.text += chunk.text;
    part.tokens.push(...chunk.tokens);
    if (chunk.promptTokens !== undefined) part.promptTokens = chunk.promptTokens;
    part.finishReason = chunk.finishReason;
    parts.set(chunk.index, part);
  }
  const ordered = [...parts].sort(([a], [b]) => a - b);
  const sequences = ordered.map(([index, { finishReason, ...part }]) => {
    if (finishReason === undefined) throw new Error(`sequence ${index} ended without a reason`);
    return { ...part, finishReason };
  });
  return { sequences, usage: generation.usage, seed: generation.seed };
}
