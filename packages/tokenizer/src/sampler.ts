/**
 * Bounded, seeded sampling of texts. Every piece of text gets a hash of (seed, content); the pieces with the smallest
 * hashes are kept as long as their UTF-8 bytes fit the budget. So the sample depends on the set of texts and the seed
 * alone, not on their order or on how many readers delivered them, and holds at most the budget plus one piece.
 *
 * Long texts are cut into pieces, so that one book cannot fill the sample: only after a single line end between two
 * characters that are not white space, where every split of pre-tokenizers.ts breaks anyway. Cutting there does
 * not change the words that the trainer sees.
 */

/** UTF-16 code units after which a text is cut at the next place that allows it. */
const PIECE_UNITS = 1 << 16;

interface Piece {
  text: string;
  bytes: number;
  hash: number;
}

export interface SampleSummary {
  /** UTF-8 bytes offered. */
  seenBytes: number;
  /** UTF-8 bytes kept. */
  keptBytes: number;
}

export class TextSampler {
  readonly #budget: number;
  readonly #seed: number;
  /** Max-heap by hash: the first to go is on top. */
  readonly #heap: Piece[] = [];
  #seenBytes = 0;
  #keptBytes = 0;
  /** Once something was dropped, no piece with a larger hash can stay. */
  #threshold = Number.POSITIVE_INFINITY;

  constructor(budgetBytes: number, seed: number) {
    this.#budget = budgetBytes;
    this.#seed = seed;
  }

  add(text: string): void {
    for (const piece of cutIntoPieces(text)) this.#addPiece(piece);
  }

  summary(): SampleSummary {
    return { seenBytes: this.#seenBytes, keptBytes: this.#keptBytes };
  }

  /** Hands out the kept pieces in no meaningful order, and lets go of each. */
  *drain(): Generator<string> {
    for (let piece = this.#heap.pop(); piece; piece = this.#heap.pop()) yield piece.text;
  }

  #addPiece(text: string): void {
    const bytes = Buffer.byteLength(text);
    this.#seenBytes += bytes;
    const hash = hashText(text, this.#seed);
    if (hash > this.#threshold) return;
    this.#push({ text: ownCopy(text), bytes, hash });
    this.#keptBytes += bytes;
    while (this.#keptBytes > this.#budget) {
      const dropped = this.#pop();
      this.#keptBytes -= dropped.bytes;
      this.#threshold = dropped.hash;
    }
  }

  #push(piece: Piece): void {
    const heap = this.#heap;
    let child = heap.length;
    heap.push(piece);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!isAbove(piece, heap[parent]!)) break;
      heap[child] = heap[parent]!;
      child = parent;
    }
    heap[child] = piece;
  }

  #pop(): Piece {
    const heap = this.#heap;
    const top = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return top;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isAbove(heap[child + 1]!, heap[child]!)) child++;
      if (!isAbove(heap[child]!, last)) break;
      heap[parent] = heap[child]!;
      parent = child;
    }
    heap[parent] = last;
    return top;
  }
}

function isAbove(a: Piece, b: Piece): boolean {
  return a.hash !== b.hash ? a.hash > b.hash : a.text > b.text;
}

function* cutIntoPieces(text: string): Generator<string> {
  let start = 0;
  let from = PIECE_UNITS;
  while (from < text.length) {
    const end = text.indexOf('\n', from);
    if (end < 0 || end + 1 >= text.length) break;
    if (isSpace(text[end - 1]!) || isSpace(text[end + 1]!)) {
      from = end + 1;
      continue;
    }
    yield text.slice(start, end + 1);
    start = end + 1;
    from = start + PIECE_UNITS;
  }
  yield start === 0 ? text : text.slice(start);
}

/** A string that does not keep the book alive from which it was cut. */
function ownCopy(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}

function isSpace(character: string): boolean {
  return /[\s\u0085]/.test(character);
}

/** 53 bits of two murmur3-like lanes over the UTF-16 code units. */
function hashText(text: string, seed: number): number {
  let low = seed | 0;
  let high = Math.imul(seed ^ 0x5bd1e995, 0x9e3779b1) | 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    low = Math.imul(low ^ unit, 0xcc9e2d51);
    low ^= low >>> 15;
    high = Math.imul(high ^ unit, 0x1b873593);
    high ^= high >>> 13;
  }
  low = mix(low ^ text.length);
  high = mix(high ^ low);
  return (high >>> 0) * 0x200000 + (low >>> 11);
}

function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
