/**
 * What a sequence has said so far, and how that changes the logits of its next token.
 *
 * Definitions. Yuan 1.0 gives its penalties in words only; tunan's definition: frequencyPenalty divides a positive
 * logit and multiplies another by p = frequencyPenalty ^ count, count = how often the token was generated before;
 * responsePenalty is the same with the count capped at 1 and is ignored while frequencyPenalty > 1; at most 1 is off.
 * The prompt does not count for these: an application's examples must not be held against its answer.
 * repetitionPenalty is that of transformers and vLLM (CTRL, section 4.1): l / p or l * p for every token of prompt and
 * answer, however often it occurs; it comes before the others.
 * additivePresence and additiveFrequency are OpenAI's presence_penalty and frequency_penalty:
 * l - count * additiveFrequency - (count > 0 ? additivePresence : 0), over generated tokens too.
 * noRepeatNgramSize is Hugging Face's no_repeat_ngram_size: no n-gram occurs twice in prompt and answer together; below
 * 1 is off. One difference: a token that ends the text is never forbidden, ending is no repetition. token-choice.ts forbids them.
 */

export interface PenaltyOptions {
  /** Multiplicative, over prompt and answer; 1 is off. */
  readonly repetitionPenalty: number;
  /** Yuan's multiplicative penalty; at most 1 is off. */
  readonly frequencyPenalty: number;
  /** Yuan's multiplicative penalty with the count capped at 1; at most 1 is off. */
  readonly responsePenalty: number;
  /** Tokens in an n-gram that must not repeat; below 1 is off. */
  readonly noRepeatNgramSize: number;
  /** OpenAI's presence_penalty; 0 is off. */
  readonly additivePresence: number;
  /** OpenAI's frequency_penalty; 0 is off. */
  readonly additiveFrequency: number;
  /** Added to the logits of these token ids before anything else; OpenAI's logit_bias. */
  readonly logitBias: ReadonlyMap<number, number>;
}

/** Keeps frequencyPenalty ^ count finite, so that a logit of 0 does not become NaN. */
const GREATEST_FACTOR = 1e30;

/** The tokens of one sequence: counts of the generated ones, and the n-grams of prompt and answer. */
export class TokenHistory {
  readonly generatedCounts: ReadonlyMap<number, number>;
  /** Tokens of prompt and answer. */
  readonly seen: ReadonlySet<number>;
  readonly #seen: Set<number>;
  readonly #counts = new Map<number, number>();
  readonly #ngramSize: number;
  readonly #followers = new Map<string, number[]>();
  readonly #tail: number[] = [];

  constructor(prompt: readonly number[], ngramSize: number) {
    this.generatedCounts = this.#counts;
    this.#seen = new Set(prompt);
    this.seen = this.#seen;
    this.#ngramSize = Math.floor(ngramSize);
    for (const id of prompt) this.#recordNgram(id);
  }

  /** Adds a generated token. */
  push(id: number): void {
    this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
    this.#seen.add(id);
    this.#recordNgram(id);
  }

  /** The tokens that would complete an n-gram for the second time. */
  repeating(): readonly number[] {
    if (this.#ngramSize < 1 || this.#tail.length < this.#ngramSize - 1) return [];
    return this.#followers.get(this.#tail.join(',')) ?? [];
  }

  #recordNgram(id: number): void {
    if (this.#ngramSize < 1) return;
    if (this.#tail.length === this.#ngramSize - 1) {
      const key = this.#tail.join(',');
      const followers = this.#followers.get(key);
      if (followers === undefined) this.#followers.set(key, [id]);
      else followers.push(id);
    }
    this.#tail.push(id);
    if (this.#tail.length > this.#ngramSize - 1) this.#tail.shift();
  }
}

/** Applies bias and penalties to `logits` (V) in place. Ids outside of `logits` are left alone. */
export function applyPenalties(logits: Float32Array, history: TokenHistory, options: PenaltyOptions): void {
  for (const [id, bias] of options.logitBias) if (id < logits.length) logits[id] = logits[id]! + bias;
  if (options.repetitionPenalty !== 1) {
    for (const id of history.seen) {
      if (id < logits.length) logits[id] = weakened(logits[id]!, options.repetitionPenalty);
    }
  }
  for (const [id, count] of history.generatedCounts) {
    if (id >= logits.length) continue;
    const scaled = weakened(logits[id]!, multiplicativeFactor(count, options));
    logits[id] = scaled - count * options.additiveFrequency - options.additivePresence;
  }
}

const weakened = (logit: number, factor: number): number => (logit > 0 ? logit / factor : logit * factor);

function multiplicativeFactor(count: number, options: PenaltyOptions): number {
  if (options.frequencyPenalty > 1) return Math.min(options.frequencyPenalty ** count, GREATEST_FACTOR);
  return Math.max(options.responsePenalty, 1);
}
