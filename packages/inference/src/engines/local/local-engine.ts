/**
 * An engine of this machine: many requests, one model, one batch that sequences join and leave at every step.
 *
 * A step feeds every running sequence its last token, or a piece of its prompt; the decoder computes all of them together. Between steps
 * the event loop runs, so that a server in the same process stays responsive. Who is in the batch is for the scheduler. Exact: an
 * answer depends on its request and seed alone, up to the last bits of float arithmetic, in which a matrix product of another height
 * may differ.
 *
 * Sequences of several adapters and of none are in one batch; whoever asks under an adapter has a view of the engine (adapted-engine.ts).
 *
 * Does not know HTTP, accounts or several models, nor who computes (decoder.ts).
 */
import { setImmediate } from 'node:timers/promises';
import { type ChatMessage, type ChatTemplate, TokenizerError } from '@tunan/tokenizer';
import { ConstraintCompiler } from '../../constraints/compile-constraint.ts';
import type { Engine, EngineKind, Occupancy, PrefixCacheFigures, TokenBound } from '../../engine.ts';
import { aborted, closed, InferenceError } from '../../errors.ts';
import { type Generation, GenerationWriter } from '../../generation.ts';
import { type CheckedRequest, checkRequest, type GenerationRequest } from '../../request.ts';
import { DrawScratch } from '../../sampling/sampling.ts';
import { AdaptedEngine } from './adapted-engine.ts';
import type { Decoder, DecoderCache } from './decoder.ts';
import { EmbeddingQueue } from './embedding-queue.ts';
import { PromptLogprobs } from './prompt-logprobs.ts';
import { Scheduler } from './scheduler.ts';
import { Sequence } from './sequence.ts';
import { type Prompt, type TextCoder, Vocabulary } from './vocabulary.ts';

export interface BatchOptions {
  /** Sequences in the batch; 16 when absent. */
  readonly batchSize?: number | undefined;
  /** Sequences that may wait; 256 when absent. */
  readonly waitingSize?: number | undefined;
  /** How long a request may wait for its turn; without end when absent. */
  readonly waitSeconds?: number | undefined;
  /** Tokens fed in one step, of prompts and answers together; 256 when absent. */
  readonly stepTokens?: number | undefined;
}

export interface LocalEngineParts<Cache extends DecoderCache> {
  /** The engine's from now on: close() disposes it. */
  readonly decoder: Decoder<Cache>;
  readonly tokenizer: TextCoder;
  /** How conversations are written; none where the model has not learnt any. */
  readonly template: ChatTemplate | undefined;
  /** How conversations are written under the adapters that the decoder has, by their names. */
  readonly adapters?: ReadonlyMap<string, ChatTemplate | undefined> | undefined;
}

export class LocalEngine<Cache extends DecoderCache> implements Engine {
  readonly kind: EngineKind;
  readonly device: string;
  readonly contextLength: number;
  readonly #decoder: Decoder<Cache>;
  readonly #vocabulary: Vocabulary;
  readonly #constraints: ConstraintCompiler;
  readonly #scheduler: Scheduler<Cache>;
  readonly #scratch: DrawScratch;
  /** By adapter; undefined is none. */
  readonly #templates: ReadonlyMap<string | undefined, ChatTemplate | undefined>;
  readonly #views: ReadonlyMap<string, Engine>;
  /** By adapter too. */
  readonly #promptLogprobs = new Map<string | undefined, PromptLogprobs>();
  readonly #embeddings: EmbeddingQueue | undefined;
  readonly #prompts = new WeakMap<
    CheckedRequest['prompts'],
    { readonly beginDocument: boolean; readonly read: readonly Prompt[] }
  >();
  #looping = false;
  #closed = false;

  /** @throws InferenceError INFERENCE_TOKENIZER_MISMATCH */
  constructor({ decoder, tokenizer, template, adapters }: LocalEngineParts<Cache>, options: BatchOptions = {}) {
    const { batchSize = 16, waitingSize = 256, waitSeconds = Number.POSITIVE_INFINITY, stepTokens = 256 } = options;
    this.kind = decoder.kind;
    this.device = decoder.device;
    this.contextLength = decoder.contextLength;
    this.#decoder = decoder;
    this.#vocabulary = new Vocabulary(tokenizer, decoder.vocabularySize);
    this.#constraints = new ConstraintCompiler(this.#vocabulary);
    this.#scheduler = new Scheduler({ batchSize, waitingSize, waitSeconds, stepTokens }, decoder);
    this.#scratch = new DrawScratch(this.#vocabulary.size);
    this.#templates = new Map<string | undefined, ChatTemplate | undefined>([
      [undefined, template],
      ...(adapters ?? []),
    ]);
    this.#views = new Map([...(adapters ?? new Map()).keys()].map((name) => [name, new AdaptedEngine(this, name)]));
    const { meanHidden } = decoder;
    this.#embeddings = meanHidden && new EmbeddingQueue(meanHidden.bind(decoder), waitingSize);
  }

  /** Of sequences without an adapter; those of adapters are in the occupancy of their views. */
  get occupancy(): Occupancy {
    return this.occupancyOf(undefined);
  }

  occupancyOf(adapter: string | undefined): Occupancy {
    return this.#scheduler.occupancy(adapter);
  }

  get prefixCache(): PrefixCacheFigures {
    return this.prefixCacheOf(undefined);
  }

  /** What is kept is counted once, with the model. */
  prefixCacheOf(adapter: string | undefined): PrefixCacheFigures {
    const keptBytes = adapter === undefined ? this.#decoder.keptBytes : 0;
    return { ...this.#scheduler.opened(adapter), keptBytes };
  }

  get encodeChat(): Engine['encodeChat'] {
    return this.chatEncoder(undefined);
  }

  chatEncoder(adapter: string | undefined): Engine['encodeChat'] {
    const template = this.#templates.get(adapter);
    return template && ((messages) => encoded(template, messages));
  }

  adapted(name: string): Engine {
    const view = this.#views.get(name);
    if (view === undefined) throw new Error(`the engine has no adapter ${name}`);
    return view;
  }

  /** All checks are made here, before anything is computed. @param adapter that the engine has */
  submit(request: GenerationRequest, signal?: AbortSignal, adapter?: string): Generation {
    if (this.#closed) throw closed();
    if (signal?.aborted) throw aborted(signal);
    const generation = new GenerationWriter(() => this.#scheduler.drop(generation, aborted()));
    const sequences = this.#sequencesOf(request, generation, adapter).filter(({ finished }) => !finished);
    this.#scheduler.checkRoom(sequences);
    if (sequences.length === 0) generation.end();
    else this.#start(generation, sequences, signal);
    return generation;
  }

  measure(request: GenerationRequest): TokenBound {
    const checked = checkRequest(request);
    const lengths = this.#promptsOf(checked).map(({ ids }) => ids.length);
    // The last token of an answer need not fit: it is never fed.
    const longest = lengths.map((length) => Math.min(checked.maxTokens, this.contextLength - length + 1));
    return {
      promptTokens: lengths.reduce((sum, length) => sum + length, 0),
      completionTokens: longest.reduce((sum, length) => sum + length, 0) * checked.choices,
    };
  }

  get embed(): Engine['embed'] {
    return this.embedder(undefined);
  }

  embedder(adapter: string | undefined): Engine['embed'] {
    const queue = this.#embeddings;
    if (queue === undefined) return undefined;
    return async (inputs, signal) => {
      if (this.#closed) throw closed();
      const prompts = inputs.map((input) => this.#vocabulary.prompt(input, false, this.contextLength).ids);
      const vectors = await queue.embed(prompts, adapter, signal);
      return { vectors, promptTokens: prompts.reduce((sum, { length }) => sum + length, 0) };
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#embeddings?.close();
    this.#scheduler.dropAll(closed);
    this.#scheduler.betweenSteps(() => this.#decoder[Symbol.dispose]());
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** A conversation becomes the prompt that the template makes of it. @throws InferenceError where the model has none */
  #inPrompts(request: GenerationRequest, adapter: string | undefined): GenerationRequest {
    const { messages, ...others } = request;
    if (messages === undefined) return request;
    const template = this.#templates.get(adapter);
    if (template === undefined) throw withoutTemplate();
    return { ...others, prompts: [encoded(template, messages)] };
  }

  #sequencesOf(request: GenerationRequest, generation: GenerationWriter, adapter: string | undefined): Sequence[] {
    const checked = checkRequest(this.#inPrompts(request, adapter));
    for (const id of checked.logitBias.keys()) {
      this.#vocabulary.checkId(id, 'logitBias', { en: 'logit_bias', zh: 'logit_bias' });
    }
    for (const id of checked.stopTokens) {
      this.#vocabulary.checkId(id, 'stopTokens', { en: 'stop_token_ids', zh: 'stop_token_ids' });
    }
    const prompts = this.#promptsOf(checked);
    const constraint = checked.constraint && this.#constraints.compile(checked.constraint);
    if (constraint !== undefined && prompts.some(({ unfinished }) => unfinished.length > 0)) throw unfinishedPrompt();
    const promptTokens = prompts.reduce((sum, { ids }) => sum + ids.length, 0);
    generation.note({ seed: checked.seed, promptTokens, cachedTokens: 0 });
    const parts = {
      request: checked,
      generation,
      vocabulary: this.#vocabulary,
      constraint,
      contextLength: this.contextLength,
      promptAttention: this.#decoder.promptAttention,
      adapter,
      promptLogprobs: this.#promptLogprobsOf(adapter),
    };
    return prompts.flatMap((prompt, place) =>
      Array.from({ length: checked.choices }, (_, choice) => {
        return new Sequence({ ...parts, prompt, index: place * checked.choices + choice });
      }),
    );
  }

  #promptLogprobsOf(adapter: string | undefined): PromptLogprobs {
    const known = this.#promptLogprobs.get(adapter) ?? new PromptLogprobs();
    this.#promptLogprobs.set(adapter, known);
    return known;
  }

  /** Read once, though a request is often measured and then submitted. @throws InferenceError */
  #promptsOf({ prompts, beginDocument }: CheckedRequest): readonly Prompt[] {
    const known = this.#prompts.get(prompts);
    if (known?.beginDocument === beginDocument) return known.read;
    const read = prompts.map((prompt) => this.#vocabulary.prompt(prompt, beginDocument, this.contextLength));
    this.#prompts.set(prompts, { beginDocument, read });
    return read;
  }

  #start(generation: GenerationWriter, sequences: Sequence[], signal: AbortSignal | undefined): void {
    this.#scheduler.add(generation, sequences);
    if (signal !== undefined) {
      const abort = () => this.#scheduler.drop(generation, aborted(signal));
      signal.addEventListener('abort', abort, { once: true });
      generation.onEnd(() => signal.removeEventListener('abort', abort));
    }
    if (!this.#looping) void this.#loop();
  }

  /** Never rejects: what goes wrong in a step goes to the requests that were in it. */
  async #loop(): Promise<void> {
    this.#looping = true;
    // The first step waits a turn, so that requests that arrive together start together.
    await setImmediate();
    while (!this.#scheduler.isIdle) {
      // While another thread computed the event loop has run; what the answers are written to is then written during the next step.
      const hasWaited = await this.#step();
      if (!hasWaited) await setImmediate();
    }
    this.#looping = false;
  }

  /** @returns whether the event loop has run meanwhile */
  async #step(): Promise<boolean> {
    try {
      const turns = this.#scheduler.stepBegins();
      const before = turns.map(({ segment }) => segment.cache.length);
      const computed = this.#decoder.extend(turns.map(({ segment }) => segment));
      const outcomes = await computed;
      this.#scheduler.stepEnds();
      turns.forEach(({ sequence, segment }, place) => {
        if (!this.#scheduler.isRunning(sequence)) return;
        sequence.accept(before[place]!, segment, outcomes[place]!, this.#scratch);
        if (sequence.finished) this.#scheduler.finish(sequence);
      });
      return computed instanceof Promise;
    } catch (error) {
      this.#scheduler.stepEnds();
      this.#scheduler.fail(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  }
}

function unfinishedPrompt(): InferenceError {
  const message = {
    en: 'the prompt ends inside of a character, and a constraint begins with a whole one: complete the character',
    zh: '提示在一个字符中间结束，而约束须从完整的字符开始：请补全该字符',
  };
  return new InferenceError('INFERENCE_BAD_OPTION', message, { option: 'prompts' });
}

function withoutTemplate(): InferenceError {
  const message = {
    en: 'the model has no chat template, it continues texts: give prompts, not messages',
    zh: '该模型没有对话模板，只能续写文本：请给出提示，而不是消息',
  };
  return new InferenceError('INFERENCE_BAD_OPTION', message, { option: 'messages' });
}

function encoded(template: ChatTemplate, messages: readonly ChatMessage[]): number[] {
  try {
    return template.encode(messages);
  } catch (cause) {
    if (!(cause instanceof TokenizerError)) throw cause;
    const message = { en: cause.message, zh: cause.chinese ?? cause.message };
    throw new InferenceError('INFERENCE_BAD_OPTION', message, { option: 'messages', cause });
  }
}
