/**
 * The merge loop of BPE training. It makes the merges of Hugging Face's `BpeTrainer`: the most frequent pair first, equal
 * counts by smaller left id, then smaller right id. In "aaa" the pair (a, a) counts twice, though only one merge fits.
 *
 * A merge happens everywhere at once, and from the left, so the parts of a token are the same wherever it occurs: no
 * token is spelt by two pairs, and no pair is merged twice. Only a special token may be spelt by a merge; it keeps its id.
 *
 * Work for one merge is in proportion to the positions of its pair: neighbours are tallied in arrays indexed by token,
 * and the table of pair counts is touched once for each distinct neighbour.
 */
import { MergeQueue } from './merge-queue.ts';
import { PairCounts } from './pair-counts.ts';
import { SEPARATOR, type SymbolText } from './symbol-text.ts';

/** Tokens whose pairs are counted in a table of all of them. */
const MOST_COUNTED = 1 << 10;

interface Merge {
  left: number;
  right: number;
}

/** What stood beside the joined pairs of one merge on one side. */
class Neighbours {
  readonly weights: Float64Array;
  readonly #events: Int32Array;
  readonly #touched: number[] = [];
  #tokens = new Int32Array(1 << 10);
  #positions = new Int32Array(1 << 10);
  #size = 0;

  constructor(vocabularySize: number) {
    this.weights = new Float64Array(vocabularySize);
    this.#events = new Int32Array(vocabularySize);
  }

  get size(): number {
    return this.#size;
  }

  get touched(): readonly number[] {
    return this.#touched;
  }

  /** Records that `token` stands beside a joined pair; the new pair begins at `position`. */
  add(token: number, position: number, weight: number): void {
    if (this.#size === this.#tokens.length) this.#grow();
    this.#tokens[this.#size] = token;
    this.#positions[this.#size++] = position;
    if (this.#events[token]!++ === 0) this.#touched.push(token);
    this.weights[token]! += weight;
  }

  /** Writes the positions grouped by token from `offset` on; returns the end of each group, in the order of `touched`. */
  group(into: Int32Array, offset: number): number[] {
    const ends: number[] = [];
    let next = offset;
    for (const token of this.#touched) {
      const start = next;
      next += this.#events[token]!;
      ends.push(next);
      this.#events[token] = start;
    }
    for (let i = 0; i < this.#size; i++) into[this.#events[this.#tokens[i]!]!++] = this.#positions[i]!;
    return ends;
  }

  clear(): void {
    for (const token of this.#touched) {
      this.#events[token] = 0;
      this.weights[token] = 0;
    }
    this.#touched.length = 0;
    this.#size = 0;
  }

  #grow(): void {
    const tokens = new Int32Array(this.#size * 2);
    tokens.set(this.#tokens);
    this.#tokens = tokens;
    const positions = new Int32Array(this.#size * 2);
    positions.set(this.#positions);
    this.#positions = positions;
  }
}

export class MergeTrainer {
  readonly merges: Merge[] = [];
  readonly #text: SymbolText;
  readonly #tokens: string[];
  readonly #idOfToken: Map<string, number>;
  /** Bytes of each token; a special token is never joined. */
  readonly #lengths: Int32Array;
  readonly #counts = new PairCounts();
  readonly #queue = new MergeQueue();
  readonly #before: Neighbours;
  readonly #after: Neighbours;

  /**
   * `tokens`: the specials, the byte symbols and, where merges go on from others, what those made, in id order; grows by the joined tokens.
   * @param lengths bytes of each of them, 1 where it is absent
   */
  constructor(text: SymbolText, tokens: string[], vocabularySize: number, lengths?: Int32Array) {
    this.#text = text;
    this.#tokens = tokens;
    this.#idOfToken = new Map(tokens.map((token, id) => [token, id]));
    this.#lengths = new Int32Array(Math.max(vocabularySize, tokens.length)).fill(1, 0, tokens.length);
    if (lengths !== undefined) this.#lengths.set(lengths);
    this.#before = new Neighbours(this.#lengths.length);
    this.#after = new Neighbours(this.#lengths.length);
    this.#queueInitialPairs();
  }

  /** Makes the next merge; false when no pair occurs at least `minFrequency` times. */
  step(minFrequency: number): boolean {
    const top = this.#queue.pop((left, right) => this.#counts.get(left, right));
    if (!top || top.count < 1 || top.count < minFrequency) return false;
    const { left, right } = top;
    const id = this.#idFor(left, right);
    this.merges.push({ left, right });
    this.#joinAll(top.positions, left, right, id);
    this.#updateCounts(left, right, id);
    this.#queueNewPairs(id);
    this.#before.clear();
    this.#after.clear();
    return true;
  }

  #idFor(left: number, right: number): number {
    const token = this.#tokens[left]! + this.#tokens[right]!;
    const known = this.#idOfToken.get(token);
    if (known !== undefined) {
      this.#lengths[known] = token.length;
      return known;
    }
    const id = this.#tokens.push(token) - 1;
    this.#idOfToken.set(token, id);
    this.#lengths[id] = token.length;
    return id;
  }

  #joinAll(positions: Int32Array, left: number, right: number, id: number): void {
    const { symbols, stepWeights } = this.#text;
    const lengths = this.#lengths;
    const leftLength = lengths[left]!;
    const length = leftLength + lengths[right]!;
    let step = 0;
    for (let i = 0; i < positions.length; i++) {
      const position = positions[i]!;
      if (symbols[position] !== left || symbols[position + leftLength] !== right) continue;
      step = this.#text.stepAt(position, step);
      const weight = stepWeights[step]!;
      this.#text.join(position, position + leftLength, id, length);
      const edge = symbols[position - 1]!;
      if (edge !== SEPARATOR) {
        const previous = edge < 0 ? position + edge : position - 1;
        this.#before.add(symbols[previous]!, previous, weight);
      }
      const next = symbols[position + length]!;
      if (next !== SEPARATOR) this.#after.add(next, position, weight);
    }
  }

  #updateCounts(left: number, right: number, id: number): void {
    for (const token of this.#before.touched) {
      const weight = this.#before.weights[token]!;
      this.#counts.add(token, left, -weight);
      this.#counts.add(token, id, weight);
    }
    for (const token of this.#after.touched) {
      const weight = this.#after.weights[token]!;
      this.#counts.add(right, token, -weight);
      this.#counts.add(id, token, weight);
    }
  }

  #queueNewPairs(id: number): void {
    const positions = new Int32Array(this.#before.size + this.#after.size);
    const beforeEnds = this.#before.group(positions, 0);
    const afterEnds = this.#after.group(positions, this.#before.size);
    const buffer = this.#queue.addBuffer(positions);
    let start = 0;
    const take = (left: number, right: number, end: number): void => {
      const count = this.#counts.get(left, right);
      if (count > 0) this.#queue.push(left, right, count, buffer, start, end);
      start = end;
    };
    this.#before.touched.forEach((token, i) => {
      take(token, id, beforeEnds[i]!);
    });
    this.#after.touched.forEach((token, i) => {
      take(id, token, afterEnds[i]!);
    });
  }

  /** Counts the pairs of bytes and queues each with its positions, in two passes over the text. */
  #queueInitialPairs(): void {
    const { symbols } = this.#text;
    const width = this.#tokens.length;
    if (width > MOST_COUNTED) {
      this.#queueManyPairs();
      return;
    }
    const sizes = new Uint32Array(width * width);
    this.#forEachPair((pair) => {
      sizes[pair]!++;
    });
    const lists: (Int32Array | undefined)[] = new Array(width * width);
    for (let pair = 0; pair < sizes.length; pair++) if (sizes[pair]! > 0) lists[pair] = new Int32Array(sizes[pair]!);
    sizes.fill(0);
    const weights = new Float64Array(width * width);
    this.#forEachPair((pair, position, weight) => {
      lists[pair]![sizes[pair]!++] = position;
      weights[pair]! += weight;
    });
    for (let pair = 0; pair < lists.length; pair++) {
      const positions = lists[pair];
      if (!positions) continue;
      const left = symbols[positions[0]!]!;
      const right = symbols[positions[0]! + this.#lengths[left]!]!;
      this.#counts.add(left, right, weights[pair]!);
      const buffer = this.#queue.addBuffer(positions);
      this.#queue.push(left, right, weights[pair]!, buffer, 0, positions.length);
    }
  }

  /** The same where a table of all pairs would be too large. */
  #queueManyPairs(): void {
    const width = this.#tokens.length;
    const found = new Map<number, { readonly positions: number[]; weight: number }>();
    this.#forEachPair((pair, position, weight) => {
      const known = found.get(pair);
      if (known === undefined) found.set(pair, { positions: [position], weight });
      else {
        known.positions.push(position);
        known.weight += weight;
      }
    });
    for (const pair of [...found.keys()].sort((a, b) => a - b)) {
      const { positions, weight } = found.get(pair)!;
      const [left, right] = [Math.floor(pair / width), pair % width];
      this.#counts.add(left, right, weight);
      const buffer = this.#queue.addBuffer(Int32Array.from(positions));
      this.#queue.push(left, right, weight, buffer, 0, positions.length);
    }
  }

  #forEachPair(visit: (pair: number, position: number, weight: number) => void): void {
    const { symbols, stepStarts, stepWeights } = this.#text;
    const width = this.#tokens.length;
    for (let step = 0; step < stepWeights.length; step++) {
      const weight = stepWeights[step]!;
      const end = stepStarts[step + 1]! - 1;
      for (let position = stepStarts[step]!; position < end; position++) {
        const left = symbols[position]!;
        if (left < 0) continue; // inside a token, or between words
        const right = symbols[position + this.#lengths[left]!]!;
        if (right !== SEPARATOR) visit(left * width + right, position, weight);
      }
    }
  }
}
