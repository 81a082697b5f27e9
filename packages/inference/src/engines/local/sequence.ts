/**
 * One sequence on its way from prompt to answer: which tokens to feed next, what to do with the logits, when to stop.
 *
 * Reads top to bottom as a token's way: feed → logits → choice → text. Knows nothing of other sequences, so
 * that its answer cannot depend on them.
 */
import type { PromptAttention } from '@tunan/model';
import { AnswerText } from '../../answer-text.ts';
import type { Constraint } from '../../constraints/constraint.ts';
import type { FinishReason, GenerationWriter, TokenReport } from '../../generation.ts';
import type { CheckedRequest } from '../../request.ts';
import { logprobsOf, type TokenLogprobs } from '../../sampling/logprobs.ts';
import type { DrawScratch } from '../../sampling/sampling.ts';
import { type Draw, TokenChoice } from '../../token-choice.ts';
import type { Opening, Outcome, Segment } from './decoder.ts';
import type { KnownTokens, PromptLogprobs } from './prompt-logprobs.ts';
import type { Prompt, Vocabulary } from './vocabulary.ts';

export interface SequenceParts {
  /** Index in its request. */
  readonly index: number;
  readonly prompt: Prompt;
  readonly request: CheckedRequest;
  readonly generation: GenerationWriter;
  readonly vocabulary: Vocabulary;
  readonly constraint: Constraint | undefined;
  /** The most positions of the model. */
  readonly contextLength: number;
  readonly promptAttention: PromptAttention;
  /** Name of an adapter of the decoder. */
  readonly adapter: string | undefined;
  readonly promptLogprobs: PromptLogprobs;
}

/** Tokens of a prompt for whose log-probabilities a sequence waits until another has them. */
const WORTH_WAITING = 32;

/** A segment but for the cache that it belongs to. */
export type Feed = Omit<Segment<never>, 'cache'>;

export class Sequence {
  readonly generation: GenerationWriter;
  readonly #parts: SequenceParts;
  readonly #tokens: number[];
  readonly #choice: TokenChoice;
  readonly #text: AnswerText;
  /** Where the prompt is reported: what others have left, and of each token from the first on what is known so far. */
  #known: KnownTokens = [];
  readonly #promptTokens: (TokenLogprobs | undefined)[] = [];
  #finished = false;

  constructor(parts: SequenceParts) {
    const { index, generation, prompt, request } = parts;
    this.generation = generation;
    this.#parts = parts;
    this.#tokens = [...prompt.ids];
    this.#choice = new TokenChoice(parts, prompt.ids);
    this.#text = new AnswerText(index, generation, prompt.unfinished, request);
    if (request.echo && !this.#reportsPrompt) this.#text.showPrompt(prompt.text, []);
    if (request.maxTokens === 0 && !this.#reportsPrompt) this.#finish('length');
  }

  get finished(): boolean {
    return this.#finished;
  }

  get adapter(): string | undefined {
    return this.#parts.adapter;
  }

  /** Tokens of prompt and answer so far. */
  get length(): number {
    return this.#tokens.length;
  }

  /** Positions that its cache must hold: all but the last token, which is never fed. */
  get capacity(): number {
    const { prompt, request, contextLength } = this.#parts;
    return Math.min(contextLength, prompt.ids.length + Math.max(0, request.maxTokens - 1));
  }

  get opening(): Opening {
    const { prompt, promptLogprobs } = this.#parts;
    if (this.#reportsPrompt) this.#known = promptLogprobs.find(prompt.ids, this.#promptTop);
    return {
      ids: prompt.ids,
      capacity: this.capacity,
      bothWays: this.#readsPrefix,
      // The last token that is known is computed again, for the logits of the one behind it.
      shared: this.#reportsPrompt ? Math.max(0, this.#known.length - 1) : prompt.ids.length,
      adapter: this.adapter,
    };
  }

  /** Whether another is about to learn the log-probabilities of a beginning that this one is asked for as well. */
  waitsFor(other: Sequence): boolean {
    if (!this.#reportsPrompt || !other.#reportsPrompt || other.adapter !== this.adapter) return false;
    const { ids } = other.#parts.prompt;
    if (other.#promptTokens.length === ids.length || other.#promptTop < this.#promptTop) return false;
    const own = this.#parts.prompt.ids;
    const needed = this.#known.length + WORTH_WAITING;
    if (Math.min(own.length, ids.length) < needed) return false;
    for (let place = 0; place < needed; place++) if (own[place] !== ids[place]) return false;
    return true;
  }

  /** So many tokens of the prompt need not be computed. A prompt counts once, with its first choice. */
  noteCached(tokens: number): void {
    const { index, request } = this.#parts;
    if (index % request.choices === 0) this.generation.countCached(tokens);
  }

  /** The first tokens of prompt and answer. */
  tokens(count: number): number[] {
    return this.#tokens.slice(0, count);
  }

  /**
   * The next tokens to feed: of the prompt, `budget` at most but for one that is read as a prefix, or the token just drawn.
   * @param fed positions that are filled
   */
  feed(fed: number, budget: number): Feed {
    const bothWays = fed === 0 && this.#readsPrefix;
    const ids = bothWays ? [...this.#tokens] : this.#tokens.slice(fed, fed + budget);
    const isLast = fed + ids.length === this.#tokens.length;
    const all = this.#reportsPrompt && fed < this.#parts.prompt.ids.length;
    const logits = all ? 'all' : isLast ? 'last' : 'none';
    return { ids, logits, bothWays, adapter: this.adapter, draw: logits === 'last' ? this.#nextDraw() : undefined };
  }

  /**
   * Takes what came of a feed. Once all tokens have been fed this draws the next one.
   * @param fed positions that were filled before
   */
  accept(fed: number, feed: Feed, outcome: Outcome, scratch: DrawScratch): void {
    const isDrawn = 'token' in outcome;
    if (feed.logits === 'all' && !isDrawn) this.#reportPrompt(fed, outcome.logits);
    if (fed + feed.ids.length < this.#tokens.length) return;
    if (isDrawn) this.#add(outcome.token, undefined);
    else if (this.#parts.request.maxTokens === 0) this.#finish('length');
    else this.#draw(outcome.logits.subarray(outcome.logits.length - this.#parts.vocabulary.paddedSize), scratch);
  }

  /** For who draws elsewhere; not where the token's log-probability is to be reported. */
  #nextDraw(): Draw | undefined {
    return this.#parts.request.logprobs === undefined ? this.#choice.elsewhere(this.#text.state) : undefined;
  }

  #draw(logits: Float32Array, scratch: DrawScratch): void {
    const { request } = this.#parts;
    const original = request.logprobs === undefined ? undefined : logits.slice();
    const id = this.#choice.next(logits, this.#text.state, scratch);
    this.#add(id, original && this.#report(id, this.#text.offset, original, request.logprobs));
  }

  /** A token has been drawn. */
  #add(id: number, report: TokenReport | undefined): void {
    this.generation.countToken();
    if (this.#choice.ends.has(id)) {
      this.#text.addEnd(report);
      this.#finish('stop');
    } else {
      this.#take(id, report);
    }
  }

  #take(id: number, report: TokenReport | undefined): void {
    const { request, prompt, vocabulary, contextLength } = this.#parts;
    this.#tokens.push(id);
    this.#text.addToken(vocabulary.tokenBytes(id), report, this.#choice.mayEnd);
    this.#choice.push(id, vocabulary.tokenBytes(id));
    // A token can be fed only at a position that the model has; the last one drawn may stand just behind them.
    const contextFull = this.#tokens.length > contextLength;
    if (this.#text.stopped || this.#choice.isComplete) this.#finish('stop');
    else if (contextFull || this.#tokens.length - prompt.ids.length >= request.maxTokens) this.#finish('length');
  }

  #finish(reason: FinishReason): void {
    this.#finished = true;
    this.#text.finish(reason);
  }

  /** The log-probabilities of a prompt are asked of causal reading, in which no token has been seen by what predicts it. */
  get #readsPrefix(): boolean {
    return this.#parts.promptAttention === 'prefix' && !this.#reportsPrompt;
  }

  get #reportsPrompt(): boolean {
    const { echo, logprobs, promptLogprobs } = this.#parts.request;
    return promptLogprobs !== undefined || (echo && logprobs !== undefined);
  }

  /** Likeliest tokens to name for each of the prompt. */
  get #promptTop(): number {
    const { promptLogprobs, logprobs } = this.#parts.request;
    return promptLogprobs ?? logprobs ?? 0;
  }

  /** The row of position p tells how likely the prompt's token p + 1 was; nothing tells it of the first one. */
  #reportPrompt(firstPosition: number, logits: Float32Array): void {
    const { prompt, vocabulary, request, promptLogprobs } = this.#parts;
    const tokens = this.#promptTokens;
    if (tokens.length === 0) tokens.push(undefined, ...this.#known.slice(1, firstPosition + 1));
    const rows = logits.length / vocabulary.paddedSize;
    for (let row = 0; row < rows && tokens.length < prompt.ids.length; row++) {
      const start = row * vocabulary.paddedSize;
      const own = logits.subarray(start, start + vocabulary.paddedSize);
      tokens.push(logprobsOf(own, prompt.ids[tokens.length]!, this.#promptTop, vocabulary.size));
    }
    if (firstPosition + rows < prompt.ids.length) return;
    promptLogprobs.keep(prompt.ids, this.#promptTop, tokens);
    const reports = tokens.flatMap((token, position) => {
      const offset = prompt.offsets[position];
      return offset === undefined ? [] : [this.#reportOf(prompt.ids[position]!, offset, token, this.#promptTop)];
    });
    if (request.promptLogprobs !== undefined) this.#text.reportPrompt(reports);
    if (request.echo) this.#text.showPrompt(prompt.text, request.logprobs === undefined ? [] : reports);
  }

  #report(id: number, offset: number, row: Float32Array, topCount = 0): TokenReport {
    return this.#reportOf(id, offset, logprobsOf(row, id, topCount, this.#parts.vocabulary.size), topCount);
  }

  #reportOf(id: number, offset: number, known: TokenLogprobs | undefined, topCount: number): TokenReport {
    const { vocabulary } = this.#parts;
    const text = vocabulary.tokenText(id);
    if (known === undefined) return { id, text, offset, logprob: undefined, rank: undefined, alternatives: [] };
    const { top, ...own } = known;
    const alternatives = top.slice(0, topCount).map((other) => ({ ...other, text: vocabulary.tokenText(other.id) }));
    return { id, text, offset, ...own, alternatives };
  }
}
