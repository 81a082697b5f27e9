/**
 * Which token comes next in one sequence: everything between a row of logits and an id, for every engine in this process.
 *
 * The order: bias and penalties (penalties.ts) → tokens that cannot stand here (malformed UTF-8, special tokens) → ends before
 * their time (minTokens, ignoreEnd) → the constraint → n-grams that would repeat → the draw (sampling.ts). What would leave no
 * token at all gives way: where nothing but the end fits the constraint the text ends, whatever minTokens says, and where every
 * token left would repeat an n-gram, one of them does.
 */
import type { CheckedRequest } from './request.ts';
import { applyPenalties, TokenHistory } from './sampling/penalties.ts';
import { uniformAt } from './sampling/random.ts';
import { type DrawScratch, drawToken } from './sampling/sampling.ts';

/** What a choice needs to know of the tokens. */
export interface Choosable {
  /** Ids from here on are padding. */
  readonly size: number;
  readonly ends: ReadonlySet<number>;
  /** Ids that must not come where the text stands in a state of utf8.ts. */
  neverDrawn(state: number): readonly number[];
}

/** How the next token is to be drawn by who draws elsewhere. */
export interface Draw {
  readonly request: CheckedRequest;
  readonly history: TokenHistory;
  /** In [0, 1): decides the draw. The same seed and place in the sequence give the same number. */
  readonly uniform: number;
  /** Ids that must not be drawn here, n-grams that would repeat among them; every other one of the vocabulary may, padding excepted. */
  readonly forbidden: readonly number[];
}

export class TokenChoice {
  /** What ends this sequence: the ends of the model, and the tokens that the request names. */
  readonly ends: ReadonlySet<number>;
  readonly #vocabulary: Choosable;
  readonly #request: CheckedRequest;
  readonly #index: number;
  readonly #history: TokenHistory;
  #step = 0;

  /** @param index of the sequence in its request */
  constructor(vocabulary: Choosable, request: CheckedRequest, index: number, prompt: readonly number[]) {
    this.#vocabulary = vocabulary;
    this.#request = request;
    this.#index = index;
    this.#history = new TokenHistory(prompt, request.noRepeatNgramSize);
    this.ends =
      request.stopTokens.length === 0 ? vocabulary.ends : new Set([...vocabulary.ends, ...request.stopTokens]);
  }

  /**
   * @param row (V or padded) logits, changed in place
   * @param state of the text so far, as utf8.ts counts it
   * @throws Error when the model gives NaN
   */
  next(row: Float32Array, state: number, scratch: DrawScratch): number {
    const logits = row.subarray(0, this.#vocabulary.size);
    applyPenalties(logits, this.#history, this.#request);
    this.#forbidMisplaced(logits, state);
    this.#forbidEnds(logits);
    this.#forbidRepeats(logits);
    return drawToken(logits, this.#request, this.#uniform, scratch);
  }

  /** The same for a decoder that draws by itself; undefined where that takes more than a list of what is forbidden. */
  elsewhere(state: number): Draw | undefined {
    const { stopTokens, ignoreEnd, noRepeatNgramSize } = this.#request;
    const endless = !this.mayEnd || ignoreEnd;
    // What gives way is decided here alone.
    if (stopTokens.length > 0 || (endless && noRepeatNgramSize >= 1)) return undefined;
    const repeating = this.#history.repeating().filter((id) => !this.ends.has(id));
    const misplaced = this.#vocabulary.neverDrawn(state);
    const more = endless ? [...this.ends] : repeating;
    const forbidden = more.length === 0 ? misplaced : [...misplaced, ...more];
    return { request: this.#request, history: this.#history, uniform: this.#uniform, forbidden };
  }

  get #uniform(): number {
    return uniformAt(this.#request.seed, this.#index, this.#step);
  }

  /** The token became part of the text. */
  push(id: number): void {
    this.#history.push(id);
    this.#step++;
  }

  /** Whether the next token comes after the fewest that were asked for. */
  get mayEnd(): boolean {
    return this.#step >= this.#request.minTokens;
  }

  /** A special token that ends the text stays, though it could not stand within. */
  #forbidMisplaced(logits: Float32Array, state: number): void {
    const kept = this.#request.stopTokens.map((id) => [id, logits[id]!] as const);
    for (const id of this.#vocabulary.neverDrawn(state)) logits[id] = Number.NEGATIVE_INFINITY;
    for (const [id, logit] of kept) logits[id] = logit;
  }

  #forbidEnds(logits: Float32Array): void {
    if (!this.mayEnd) for (const id of this.ends) logits[id] = Number.NEGATIVE_INFINITY;
    else if (this.#request.ignoreEnd) {
      for (const id of this.#vocabulary.ends) {
        if (!this.#request.stopTokens.includes(id)) logits[id] = Number.NEGATIVE_INFINITY;
      }
    }
  }

  #forbidRepeats(logits: Float32Array): void {
    const forbidden: (readonly [id: number, logit: number])[] = [];
    for (const id of this.#history.repeating()) {
      if (this.ends.has(id) || id >= logits.length) continue;
      forbidden.push([id, logits[id]!]);
      logits[id] = Number.NEGATIVE_INFINITY;
    }
    if (forbidden.length === 0 || logits.some((logit) => logit > Number.NEGATIVE_INFINITY)) return;
    for (const [id, logit] of forbidden.reverse()) logits[id] = logit;
  }
}
