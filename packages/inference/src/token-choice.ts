/**
 * Which token comes next in one sequence: everything between a row of logits and an id, for every engine in this process.
 *
 * The order: bias and penalties (penalties.ts) → tokens that cannot stand here (malformed UTF-8, special tokens) → ends before
 * their time (minTokens, ignoreEnd) → the constraint → n-grams that would repeat → the draw (sampling.ts). What would leave no
 * token at all gives way: where nothing but the end fits the constraint the text is over, whatever minTokens says, and where every
 * token left would repeat an n-gram, one of them does.
 */
import type { State } from './constraints/automaton.ts';
import type { Constraint } from './constraints/constraint.ts';
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

export interface ChoiceParts {
  readonly vocabulary: Choosable;
  readonly request: CheckedRequest;
  /** Of the sequence in its request. */
  readonly index: number;
  readonly constraint?: Constraint | undefined;
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
  readonly #constraint: Constraint | undefined;
  #state: State | undefined;
  #step = 0;

  constructor({ vocabulary, request, index, constraint }: ChoiceParts, prompt: readonly number[]) {
    this.#vocabulary = vocabulary;
    this.#request = request;
    this.#index = index;
    this.#constraint = constraint;
    this.#state = constraint?.start;
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
    this.#constrain(logits);
    this.#forbidRepeats(logits);
    if (this.#request.stopTokens.length > 0 && !hasChoice(logits)) return this.#anEnd;
    return drawToken(logits, this.#request, this.#uniform, scratch);
  }

  /** The same for a decoder that draws by itself; undefined where that takes more than a list of what is forbidden. */
  elsewhere(state: number): Draw | undefined {
    const { stopTokens, ignoreEnd, noRepeatNgramSize } = this.#request;
    const endless = !this.mayEnd || ignoreEnd;
    // Masks, and what gives way, are decided here alone.
    if (this.#constraint !== undefined) return undefined;
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
  push(id: number, bytes: Uint8Array): void {
    this.#history.push(id);
    this.#step++;
    if (this.#constraint === undefined || this.#state === undefined) return;
    const next = this.#constraint.after(this.#state, bytes);
    if (next === null) throw new Error(`token ${id} was drawn, which the constraint forbids`);
    this.#state = next;
  }

  /** Whether the constraint is satisfied and lets nothing more come. */
  get isComplete(): boolean {
    return this.#state !== undefined && this.#state.places.length === 0;
  }

  /** Whether the next token comes after the fewest that were asked for. */
  get mayEnd(): boolean {
    return this.#step >= this.#request.minTokens;
  }

  /** For where every token that could go on is one that the request makes an end, before its time: the text is over all the same. */
  get #anEnd(): number {
    const [end] = this.ends;
    if (end === undefined) throw new Error('no token ends a text');
    return end;
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

  /** Tokens that the constraint does not let come; what ends the text may where the constraint is satisfied. */
  #constrain(logits: Float32Array): void {
    if (this.#constraint === undefined || this.#state === undefined) return;
    const ends = [...this.ends].map((id) => [id, logits[id]!] as const);
    this.#constraint.apply(this.#state, logits);
    for (const [id, logit] of ends) logits[id] = this.#state.accepts ? logit : Number.NEGATIVE_INFINITY;
  }

  #forbidRepeats(logits: Float32Array): void {
    const forbidden: (readonly [id: number, logit: number])[] = [];
    for (const id of this.#history.repeating()) {
      if (this.ends.has(id) || id >= logits.length) continue;
      forbidden.push([id, logits[id]!]);
      logits[id] = Number.NEGATIVE_INFINITY;
    }
    if (forbidden.length === 0 || hasChoice(logits)) return;
    for (const [id, logit] of forbidden.reverse()) logits[id] = logit;
  }
}

const hasChoice = (logits: Float32Array): boolean => logits.some((logit) => logit !== Number.NEGATIVE_INFINITY);
