/**
 * One sequence on its way from prompt to answer: which tokens to feed next, what to do with the logits, when to stop.
 *
 * Reads top to bottom as a token's way: feed → logits → penalties → draw → text. Knows nothing of other sequences, so
 * that its answer cannot depend on them.
 */
import type { KeyValueCache, PromptAttention, Segment } from '@tunan/model';
import { AnswerText } from '../../answer-text.ts';
import type { FinishReason, GenerationWriter, TokenReport } from '../../generation.ts';
import type { CheckedRequest } from '../../request.ts';
import { logprobsOf } from '../../sampling/logprobs.ts';
import { applyPenalties, TokenHistory } from '../../sampling/penalties.ts';
import { uniformAt } from '../../sampling/random.ts';
import { type DrawScratch, drawToken } from '../../sampling/sampling.ts';
import type { Prompt, Vocabulary } from './vocabulary.ts';

export interface SequenceParts {
  /** Index in its request. */
  readonly index: number;
  readonly prompt: Prompt;
  readonly request: CheckedRequest;
  readonly generation: GenerationWriter;
  readonly vocabulary: Vocabulary;
  /** The most positions of the model. */
  readonly contextLength: number;
  readonly promptAttention: PromptAttention;
}

export class Sequence {
  readonly generation: GenerationWriter;
  /** Given on admission to the batch, taken back when it leaves. */
  cache: KeyValueCache | undefined;
  readonly #parts: SequenceParts;
  readonly #tokens: number[];
  readonly #history: TokenHistory;
  readonly #text: AnswerText;
  readonly #promptReports: TokenReport[] = [];
  #finished = false;

  constructor(parts: SequenceParts) {
    const { index, generation, prompt, request } = parts;
    this.generation = generation;
    this.#parts = parts;
    this.#tokens = [...prompt.ids];
    this.#history = new TokenHistory(prompt.ids, request.noRepeatNgramSize);
    this.#text = new AnswerText(index, generation, prompt.unfinished, request.stop);
    if (request.echo && !this.#reportsPrompt) this.#text.showPrompt(prompt.text, []);
    if (request.maxTokens === 0 && !this.#reportsPrompt) this.#finish('length');
  }

  get finished(): boolean {
    return this.#finished;
  }

  /** Positions that its cache must hold: all but the last token, which is never fed. */
  get capacity(): number {
    const { prompt, request, contextLength } = this.#parts;
    return Math.min(contextLength, prompt.ids.length + Math.max(0, request.maxTokens - 1));
  }

  /** The next tokens to feed: of the prompt, `budget` at most but for one that is read as a prefix, or the token just drawn. */
  segment(budget: number): Segment {
    const fed = this.#cacheOrThrow().length;
    if (fed === 0 && this.#readsPrefix)
      return { cache: this.#cacheOrThrow(), ids: [...this.#tokens], logits: 'last', bothWays: true };
    const ids = this.#tokens.slice(fed, fed + budget);
    const isLast = fed + ids.length === this.#tokens.length;
    const all = this.#reportsPrompt && fed < this.#parts.prompt.ids.length;
    return { cache: this.#cacheOrThrow(), ids, logits: all ? 'all' : isLast ? 'last' : 'none' };
  }

  /**
   * Takes the logits of a segment that was fed. Once all tokens have been fed this draws the next one.
   * @param logits (rows, V) flat, as the segment asked for; changed in place
   */
  accept(segment: Segment, logits: Float32Array, scratch: DrawScratch): void {
    const fed = segment.cache.length;
    if (segment.logits === 'all') this.#reportPrompt(fed - segment.ids.length, logits);
    if (fed < this.#tokens.length) return;
    if (this.#parts.request.maxTokens === 0) this.#finish('length');
    else this.#draw(logits.subarray(logits.length - this.#parts.vocabulary.paddedSize), scratch);
  }

  #draw(logits: Float32Array, scratch: DrawScratch): void {
    const { vocabulary, request, prompt, index } = this.#parts;
    const step = this.#tokens.length - prompt.ids.length;
    const original = request.logprobs === undefined ? undefined : logits.slice();
    const allowed = logits.subarray(0, vocabulary.size);
    applyPenalties(allowed, this.#history, request, vocabulary.ends);
    for (const id of vocabulary.neverDrawn(this.#text.state)) allowed[id] = Number.NEGATIVE_INFINITY;
    const id = drawToken(allowed, request, uniformAt(request.seed, index, step), scratch);
    this.generation.countToken();
    const report = original === undefined ? undefined : this.#report(id, this.#text.offset, original);
    if (vocabulary.ends.has(id)) {
      this.#text.addEnd(report);
      this.#finish('stop');
    } else {
      this.#take(id, report);
    }
  }

  #take(id: number, report: TokenReport | undefined): void {
    const { request, prompt, vocabulary, contextLength } = this.#parts;
    this.#tokens.push(id);
    this.#history.push(id);
    this.#text.addToken(vocabulary.tokenBytes(id), report);
    // A token can be fed only at a position that the model has; the last one drawn may stand just behind them.
    const contextFull = this.#tokens.length > contextLength;
    if (this.#text.stopped) this.#finish('stop');
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
    return this.#parts.request.echo && this.#parts.request.logprobs !== undefined;
  }

  /** The row of position p tells how likely the prompt's token p + 1 was; nothing tells it of the first one. */
  #reportPrompt(firstPosition: number, logits: Float32Array): void {
    const { prompt, vocabulary } = this.#parts;
    const report = (position: number, row: Float32Array | undefined) => {
      const offset = prompt.offsets[position];
      if (offset !== undefined) this.#promptReports.push(this.#report(prompt.ids[position]!, offset, row));
    };
    if (firstPosition === 0) report(0, undefined);
    const rows = logits.length / vocabulary.paddedSize;
    for (let row = 0; row < rows && firstPosition + row + 1 < prompt.ids.length; row++) {
      const start = row * vocabulary.paddedSize;
      report(firstPosition + row + 1, logits.subarray(start, start + vocabulary.paddedSize));
    }
    if (firstPosition + rows === prompt.ids.length) this.#text.showPrompt(prompt.text, this.#promptReports);
  }

  #report(id: number, offset: number, row: Float32Array | undefined): TokenReport {
    const { vocabulary, request } = this.#parts;
    const text = vocabulary.tokenText(id);
    if (row === undefined) return { id, text, offset, logprob: undefined, alternatives: [] };
    const { logprob, top } = logprobsOf(row, id, request.logprobs ?? 0, vocabulary.size);
    const alternatives = top.map((other) => ({ ...other, text: vocabulary.tokenText(other.id) }));
    return { id, text, offset, logprob, alternatives };
  }

  #cacheOrThrow(): KeyValueCache {
    if (this.cache === undefined) throw new Error('a sequence without a cache cannot be fed');
    return this.cache;
  }
}
