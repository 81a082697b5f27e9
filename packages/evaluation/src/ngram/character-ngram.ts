/**
 * Character n-gram language model with interpolated modified Kneser-Ney smoothing.
 *
 * S. F. Chen and J. Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling", 1999: three discounts
 * an order, estimated from counts of counts; lower orders use the number of different predecessors; the lowest order is
 * interpolated with the uniform distribution over the alphabet. N-grams that begin a document keep their occurrences at
 * every order (K. Heafield et al., "Scalable Modified Kneser-Ney Language Model Estimation", 2013).
 * In every context the probabilities of all characters and of the end of the document sum to one.
 *
 * Order 1 is the unigram model: relative frequencies, discounted just so much that unseen characters get a share.
 */

import { EvaluationError } from '../errors.ts';
import { Alphabet, BEGIN, type CharacterText, END, readCharacterText } from './character-text.ts';
import { countNgrams, findNode, type NgramLevel } from './ngram-counts.ts';

const MAXIMUM_ORDER = 16;

/** What is taken from counts of one, two, and three or more. */
export type Discounts = readonly [one: number, two: number, more: number];

/** Used where counts of counts are too thin to estimate from, as in a handful of documents. */
const FALLBACK_DISCOUNTS: Discounts = [0.5, 1, 1.5];

/** Symbols followed by anything: what normalises the predictions in one context. */
interface ContextMass {
  readonly total: number;
  /** Share of the probability that the discounts hand to the next lower order. */
  readonly lowerShare: number;
}

/** Contexts with fewer different successors than this are summed again each time rather than remembered. */
const REMEMBERED_FROM = 32;

export interface CharacterNgramOptions {
  /** Characters predicted from order - 1 before them. */
  readonly order: number;
  /** Text whose characters join the closed alphabet without being counted: what will be evaluated. */
  readonly evaluated?: Iterable<string>;
}

/**
 * @throws EvaluationError EVALUATION_BAD_ORDER, EVALUATION_EMPTY_TEXT
 */
export function trainCharacterNgram(documents: Iterable<string>, options: CharacterNgramOptions): CharacterNgram {
  return new CharacterNgram(readCharacterText(documents, options.evaluated ?? []), options.order);
}

/** @throws EvaluationError EVALUATION_BAD_ORDER */
export function checkOrder(order: number): void {
  if (Number.isInteger(order) && order >= 1 && order <= MAXIMUM_ORDER) return;
  throw new EvaluationError('EVALUATION_BAD_ORDER', {
    en: `n-gram order ${order}: give an integer from 1 to ${MAXIMUM_ORDER}`,
    zh: `n 元模型的阶 ${order}：应为 1 至 ${MAXIMUM_ORDER} 的整数`,
  });
}

export class CharacterNgram {
  readonly order: number;
  readonly alphabet: Alphabet;
  /** Discounts for lengths 1 to `order`. */
  readonly discounts: readonly Discounts[];
  /** Different n-grams of lengths 1 to `order`. */
  readonly types: readonly number[];
  readonly #levels: readonly NgramLevel[];
  readonly #masses: readonly Map<number, ContextMass>[];

  constructor(text: CharacterText, order: number) {
    checkOrder(order);
    this.order = order;
    this.alphabet = new Alphabet(text.alphabet);
    this.#levels = countNgrams(text, order);
    this.discounts = this.#levels.map((level, i) =>
      estimateDiscounts(i === 0 ? level.counts.subarray(1) : level.counts),
    );
    this.types = this.#levels.map((level, i) => level.symbols.length - (i === 0 ? 1 : 0));
    this.#masses = this.#levels.map(() => new Map());
  }

  /**
   * Bits of every character of a document and, last, of its end: -log2 of the probability after all that precedes it
   * in the document.
   */
  score(document: string): Float64Array {
    const symbols = Array.from(document, (character) => this.alphabet.symbol(character.codePointAt(0)!));
    symbols.push(END);
    const bits = new Float64Array(symbols.length);
    let contexts = this.#beginning();
    symbols.forEach((symbol, i) => {
      const { probability, next } = this.#predict(contexts, symbol);
      bits[i] = -Math.log2(probability);
      contexts = next;
    });
    return bits;
  }

  /**
   * Probability of every character after the beginning of a document; the key `''` is the end of the document.
   * Costs a prediction for each character of the alphabet.
   */
  distribution(beginning: string): Map<string, number> {
    let contexts = this.#beginning();
    for (const character of beginning) {
      contexts = this.#predict(contexts, this.alphabet.symbol(character.codePointAt(0)!)).next;
    }
    return new Map(
      this.alphabet.entries().map(({ symbol, character }) => [character, this.#predict(contexts, symbol).probability]),
    );
  }

  /** Contexts before the first character: entry `j` is the node of the last `j` symbols, if they ever occurred. */
  #beginning(): (number | undefined)[] {
    return [0, this.order > 1 ? findNode(this.#levels[0]!, 0, 1, BEGIN) : undefined];
  }

  /** Walks from the uniform distribution up to the longest context; the nodes met are the next position's contexts. */
  #predict(
    contexts: readonly (number | undefined)[],
    symbol: number,
  ): { probability: number; next: (number | undefined)[] } {
    const next: (number | undefined)[] = [0];
    let probability = 1 / this.alphabet.size;
    for (let length = 0; length < this.order; length++) {
      const context = contexts[length];
      if (context === undefined) continue;
      const level = this.#levels[length]!;
      const [from, to] = this.#successors(length, context);
      const node = findNode(level, from, to, symbol);
      const { total, lowerShare } = this.#mass(length, context, from, to);
      const count = node === undefined ? 0 : level.counts[node]!;
      probability = (count - discount(this.discounts[length]!, count)) / total + lowerShare * probability;
      if (length + 1 < this.order) next[length + 1] = node;
    }
    return { probability, next };
  }

  /** Nodes of what followed a context of `length` symbols. At length 0 BEGIN, node 0, is left out: it is given. */
  #successors(length: number, context: number): [number, number] {
    if (length === 0) return [1, this.#levels[0]!.symbols.length];
    const { children } = this.#levels[length - 1]!;
    return [children[context]!, children[context + 1]!];
  }

  #mass(length: number, context: number, from: number, to: number): ContextMass {
    const remembered = this.#masses[length]!.get(context);
    if (remembered !== undefined) return remembered;
    const { counts } = this.#levels[length]!;
    const discounts = this.discounts[length]!;
    let total = 0;
    let taken = 0;
    for (let node = from; node < to; node++) {
      total += counts[node]!;
      taken += discount(discounts, counts[node]!);
    }
    const mass = { total, lowerShare: taken / total };
    if (to - from >= REMEMBERED_FROM) this.#masses[length]!.set(context, mass);
    return mass;
  }
}

function discount(discounts: Discounts, count: number): number {
  return count === 0 ? 0 : discounts[count > 2 ? 2 : ((count - 1) as 0 | 1)];
}

/** Chen & Goodman 1999, equation 26, from the numbers of n-grams that were counted once, twice, three and four times. */
function estimateDiscounts(counts: Uint32Array): Discounts {
  const having = [0, 0, 0, 0, 0];
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i]!;
    if (count <= 4) having[count]!++;
  }
  const [, one, two, three, four] = having as [number, number, number, number, number];
  const y = one / (one + 2 * two);
  const discounts: Discounts = [1 - (2 * y * two) / one, 2 - (3 * y * three) / two, 3 - (4 * y * four) / three];
  return discounts.every((taken, i) => taken > 0 && taken <= i + 1) ? discounts : FALLBACK_DISCOUNTS;
}
