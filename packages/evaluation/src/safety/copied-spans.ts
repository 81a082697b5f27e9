/**
 * Which parts of some texts stand word for word in a corpus. The corpus streams by; what is held in memory grows with the texts
 * alone: a table of all their spans of `length` characters, found by a rolling hash and compared character by character.
 *
 * White space does not count, on either side. Characters are UTF-16 units.
 */

export interface CopiedText {
  /** Characters without white space. */
  readonly characters: number;
  /** Those that lie in a copied span. */
  readonly copied: number;
  /** Longest run of characters that one document has too; 0 below `length`. */
  readonly longest: number;
}

interface Place {
  readonly text: number;
  readonly at: number;
}

const BASE = 0x01000193;
/** Bits of the filter that most hashes of the corpus stop at. */
const FILTER_BITS = 22;

export class CopySearch {
  readonly length: number;
  readonly #texts: readonly string[];
  readonly #places = new Map<number, Place[]>();
  readonly #filter = new Uint8Array(2 ** (FILTER_BITS - 3));
  /** For every text the starts of spans that were found. */
  readonly #found: readonly Uint8Array[];
  readonly #longest: Int32Array;
  /** BASE^(length - 1), what the character that leaves the window counts. */
  readonly #leaving: number;

  /** @param length shortest run that counts as copied */
  constructor(texts: readonly string[], length: number) {
    this.length = length;
    this.#texts = texts.map(withoutSpace);
    this.#found = this.#texts.map((text) => new Uint8Array(text.length));
    this.#longest = new Int32Array(texts.length);
    let leaving = 1;
    for (let i = 1; i < length; i++) leaving = Math.imul(leaving, BASE);
    this.#leaving = leaving;
    this.#texts.forEach((text, index) => {
      this.#eachSpan(text, (hash, at) => {
        const places = this.#places.get(hash);
        if (places === undefined) this.#places.set(hash, [{ text: index, at }]);
        else places.push({ text: index, at });
        const bit = hash >>> (32 - FILTER_BITS);
        this.#filter[bit >>> 3]! |= 1 << (bit & 7);
      });
    });
  }

  /** Looks for the texts' spans in one document. */
  scan(document: string): void {
    const source = withoutSpace(document);
    this.#eachSpan(source, (hash, at) => {
      const bit = hash >>> (32 - FILTER_BITS);
      if ((this.#filter[bit >>> 3]! & (1 << (bit & 7))) === 0) return;
      for (const place of this.#places.get(hash) ?? []) this.#compare(source, at, place);
    });
  }

  /** In the order of the texts. */
  results(): CopiedText[] {
    return this.#texts.map((text, index) => {
      let copied = 0;
      let until = 0;
      this.#found[index]!.forEach((found, at) => {
        if (found === 0) return;
        copied += at + this.length - Math.max(at, until);
        until = at + this.length;
      });
      return { characters: text.length, copied, longest: this.#longest[index]! };
    });
  }

  #compare(source: string, at: number, place: Place): void {
    const text = this.#texts[place.text]!;
    if (!source.startsWith(text.slice(place.at, place.at + this.length), at)) return;
    this.#found[place.text]![place.at] = 1;
    // A run is measured from its beginning only.
    if (at > 0 && place.at > 0 && source[at - 1] === text[place.at - 1]) return;
    let run = this.length;
    while (place.at + run < text.length && source[at + run] === text[place.at + run]) run++;
    this.#longest[place.text] = Math.max(this.#longest[place.text]!, run);
  }

  #eachSpan(text: string, visit: (hash: number, at: number) => void): void {
    if (text.length < this.length) return;
    let hash = 0;
    for (let i = 0; i < text.length; i++) {
      if (i >= this.length) hash = (hash - Math.imul(text.charCodeAt(i - this.length), this.#leaving)) | 0;
      hash = (Math.imul(hash, BASE) + text.charCodeAt(i)) | 0;
      // The low bits of such a hash are weak; the filter and the table take mixed ones.
      if (i >= this.length - 1) visit(Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0, i - this.length + 1);
    }
  }
}

function withoutSpace(text: string): string {
  return text.replace(/\s+/g, '');
}
