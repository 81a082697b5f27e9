/**
 * The engine in this process: many requests, one model, one batch that sequences join and leave at every step.
 *
 * A step feeds every running sequence its last token, or a piece of its prompt; all of them share the matrix products
 * (PackedForward). Between steps the event loop runs, so that a server in the same process stays responsive. Who is in the
 * batch is for the scheduler. Exact: an answer depends on its request and seed alone, up to the last bits of float arithmetic,
 * in which a matrix product of another height may differ.
 *
 * Does not know HTTP, accounts or several models.
 */
import { setImmediate } from 'node:timers/promises';
import { LanguageModel, type ModelOptions, PackedForward, type PromptAttention } from '@tunan/model';
import { type ChatMessage, ChatTemplate, Tokenizer, TokenizerError } from '@tunan/tokenizer';
import type { Engine, Occupancy } from '../../engine.ts';
import { aborted, closed, InferenceError } from '../../errors.ts';
import { type Generation, GenerationWriter } from '../../generation.ts';
import { checkRequest, type GenerationRequest } from '../../request.ts';
import { DrawScratch } from '../../sampling/sampling.ts';
import { CachePool } from './cache-pool.ts';
import { Scheduler } from './scheduler.ts';
import { Sequence } from './sequence.ts';
import { Vocabulary } from './vocabulary.ts';

export interface TorchEngineOptions {
  /** Sequences in the batch; 16 when absent. */
  readonly batchSize?: number | undefined;
  /** Sequences that may wait; 256 when absent. */
  readonly waitingSize?: number | undefined;
  /** Bytes that the caches of all running sequences may take together; 2 GiB when absent. */
  readonly cacheBytes?: number | undefined;
  /** Tokens fed in one step, of prompts and answers together; 256 when absent. */
  readonly stepTokens?: number | undefined;
  /** How prompts are read; as the model has learnt to where absent. 'prefix' feeds a prompt in one piece, however long. */
  readonly promptAttention?: PromptAttention | undefined;
}

export class TorchEngine implements Engine {
  readonly contextLength: number;
  readonly #vocabulary: Vocabulary;
  readonly #forward: PackedForward;
  readonly #scheduler: Scheduler;
  readonly #scratch: DrawScratch;
  #template: ChatTemplate | undefined;
  readonly #promptAttention: PromptAttention;
  /** The model where it was loaded by this engine. */
  #owned: LanguageModel | undefined;
  #looping = false;
  #closed = false;

  /**
   * @param model stays the caller's: it is not disposed by close()
   * @throws InferenceError INFERENCE_TOKENIZER_MISMATCH
   */
  constructor(model: LanguageModel, tokenizer: Tokenizer, options: TorchEngineOptions = {}) {
    const { batchSize = 16, waitingSize = 256, cacheBytes = 2 * 2 ** 30, stepTokens = 256 } = options;
    this.contextLength = model.config.contextLength;
    this.#promptAttention = options.promptAttention ?? model.promptAttention;
    this.#vocabulary = new Vocabulary(tokenizer, model.config.vocabularySize);
    this.#forward = new PackedForward(model);
    this.#scheduler = new Scheduler({ batchSize, waitingSize, stepTokens }, new CachePool(model, cacheBytes));
    this.#scratch = new DrawScratch(this.#vocabulary.size);
  }

  /** Loads a model directory; close() frees it. @throws ModelError, TokenizerError naming the file at fault */
  static load(directory: string, options: TorchEngineOptions & ModelOptions = {}): TorchEngine {
    const { device, dtype, ...limits } = options;
    const place = { ...(device !== undefined && { device }), ...(dtype !== undefined && { dtype }) };
    const model = LanguageModel.load(directory, place);
    try {
      const tokenizer = Tokenizer.load(`${directory}/tokenizer.json`);
      const engine = new TorchEngine(model, tokenizer, limits);
      engine.#owned = model;
      engine.#template = ChatTemplate.load(directory, tokenizer);
      return engine;
    } catch (error) {
      model.dispose();
      throw error;
    }
  }

  get occupancy(): Occupancy {
    return this.#scheduler.occupancy;
  }

  get encodeChat(): Engine['encodeChat'] {
    const template = this.#template;
    return template && ((messages) => encoded(template, messages));
  }

  /** All checks are made here, before anything is computed. */
  submit(request: GenerationRequest, signal?: AbortSignal): Generation {
    if (this.#closed) throw closed();
    if (signal?.aborted) throw aborted(signal);
    const generation = new GenerationWriter(() => this.#scheduler.drop(generation, aborted()));
    const sequences = this.#sequencesOf(request, generation).filter(({ finished }) => !finished);
    this.#scheduler.checkRoom(sequences);
    generation.accept();
    if (sequences.length === 0) generation.end();
    else this.#start(generation, sequences, signal);
    return generation;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#scheduler.dropAll(closed);
    this.#owned?.dispose();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #sequencesOf(request: GenerationRequest, generation: GenerationWriter): Sequence[] {
    const checked = checkRequest(request);
    for (const id of checked.logitBias.keys()) {
      this.#vocabulary.checkId(id, 'logitBias', { en: 'logit_bias', zh: 'logit_bias' });
    }
    const prompts = checked.prompts.map((prompt) =>
      this.#vocabulary.prompt(prompt, checked.beginDocument, this.contextLength),
    );
    generation.note({ seed: checked.seed, promptTokens: prompts.reduce((sum, { ids }) => sum + ids.length, 0) });
    const parts = {
      request: checked,
      generation,
      vocabulary: this.#vocabulary,
      contextLength: this.contextLength,
      promptAttention: this.#promptAttention,
    };
    return prompts.flatMap((prompt, place) =>
      Array.from({ length: checked.choices }, (_, choice) => {
        return new Sequence({ ...parts, prompt, index: place * checked.choices + choice });
      }),
    );
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
      try {
        this.#step();
      } catch (error) {
        this.#scheduler.fail(error instanceof Error ? error : new Error(String(error)));
      }
      await setImmediate();
    }
    this.#looping = false;
  }

  #step(): void {
    const turns = this.#scheduler.next();
    if (turns.length === 0) return;
    const logits = this.#forward.extend(turns.map(({ segment }) => segment));
    turns.forEach(({ sequence, segment }, place) => {
      sequence.accept(segment, logits[place]!, this.#scratch);
      if (sequence.finished) this.#scheduler.finish(sequence);
    });
  }
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
