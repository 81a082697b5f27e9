/**
 * What every engine is: requests in, answers out while they are being made. Who serves, and who evaluates, knows no more of it.
 *
 * `engines/local` computes on this machine, by the decoder of `engines/torch` or of `engines/llama-cpp`; `engines/remote` asks another server.
 * `openEngine` opens one from a directory or an address. An engine answers for one model.
 */
import type { ChatMessage } from '@tunan/tokenizer';
import type { Generation } from './generation.ts';
import type { GenerationRequest } from './request.ts';

/** Who computes. */
export type EngineKind = 'torch' | 'llama.cpp' | 'remote';

/** Sequences, not requests: a request has one for each prompt and choice. */
export interface Occupancy {
  readonly running: number;
  readonly waiting: number;
}

/** What a prefix cache has been good for since the engine was opened. */
export interface PrefixCacheFigures {
  /** Tokens of the prompts of all sequences that came into the batch: those of n choices n times. */
  readonly promptTokens: number;
  /** Of these, the ones that did not have to be computed. */
  readonly cachedTokens: number;
  /** Memory of what is kept of sequences that have ended. */
  readonly keptBytes: number;
}

/** What a request may take. */
export interface TokenBound {
  /** Of all prompts, exactly as `usage.promptTokens` will count them. */
  readonly promptTokens: number;
  /** Of all sequences together, at most. */
  readonly completionTokens: number;
}

/** A text or token ids, not empty. */
export type EmbeddingInput = string | readonly number[];

export interface EmbeddedTexts {
  /** Of length 1, in the order of the inputs. */
  readonly vectors: readonly Float32Array[];
  /** Undefined where another server does not tell. */
  readonly promptTokens: number | undefined;
}

export interface Engine extends Disposable {
  readonly kind: EngineKind;
  /** Where on this machine: 'cpu', 'cuda:0' …; undefined where another machine computes. */
  readonly device: string | undefined;
  /** Most tokens of a prompt and its answer together; undefined where a server does not tell its own. */
  readonly contextLength: number | undefined;
  readonly occupancy: Occupancy;
  /** Undefined where another machine computes. */
  readonly prefixCache: PrefixCacheFigures | undefined;
  /**
   * Takes a request; its chunks are read from the result. What can be checked here is checked before anything is computed; what
   * another server refuses comes as a rejection of `accepted`.
   * @param signal gives the request up: its iteration then throws INFERENCE_ABORTED, or the signal's reason if that is an InferenceError
   * @throws InferenceError
   */
  submit(request: GenerationRequest, signal?: AbortSignal): Generation;
  /** Counts a request before it is submitted; undefined where another server has the tokenizer. @throws InferenceError as `submit` */
  readonly measure?: (request: GenerationRequest) => TokenBound;
  /**
   * The prompt of a conversation, up to where the model's turn begins; undefined where the model has no chat template, or another server
   * has it. @throws InferenceError INFERENCE_BAD_OPTION where the template does not take the messages
   */
  readonly encodeChat?: ((messages: readonly ChatMessage[]) => number[]) | undefined;
  /** Whether a request may carry messages in place of prompts, because another server has the template, if there is one. */
  readonly takesMessages?: boolean;
  /**
   * A vector for each input: the states that the last layer ends with, averaged over the tokens and brought to length 1. Undefined where the
   * engine gives no states. A base model has not learnt to embed, its vectors tell topics apart and little more.
   * @param traceparent as of a request
   * @throws InferenceError INFERENCE_PROMPT_TOO_LONG, INFERENCE_QUEUE_FULL …; of another server what `submit` says
   */
  readonly embed?:
    | ((inputs: readonly EmbeddingInput[], signal?: AbortSignal, traceparent?: string) => Promise<EmbeddedTexts>)
    | undefined;
  /** The engine under one of the adapters that it was opened with. Undefined where it takes none. */
  readonly adapted?: (name: string) => Engine;
  /** Servers that run the model, where it is not this process. */
  readonly workers?: readonly { readonly state: 'up' | 'down' | 'draining' }[];
  /** Ends everything: requests still in it fail with INFERENCE_CLOSED. */
  close(): void;
}
