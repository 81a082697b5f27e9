/**
 * Bits per character, counted alike for every model: the predicted characters are the Unicode code points of a document,
 * newlines included, and its end. A second total covers the Chinese (Han script) characters alone.
 *
 * The total over all characters of a language model over tokens is exact whatever its vocabulary: the tokens' losses
 * add up to the document's. Where the bits of one token belong is a convention, needed for the Chinese total only:
 * **a token's bits are shared equally by the characters it touches**, wholly or in part. So a token of Chinese
 * characters gives all its bits to the Chinese total, the fragments of one character in UTF-8 add up to that character,
 * and a token of one Chinese character and a comma gives half.
 */

const HAN = /\p{Script=Han}/u;

export function isHan(character: string): boolean {
  return HAN.test(character);
}

export interface BitsPerCharacter {
  /** Mean over all characters and one end a document. */
  readonly bitsPerCharacter: number;
  /** Characters, and one end a document. */
  readonly characters: number;
  /** Mean over Chinese characters; undefined when there is none. */
  readonly chineseBitsPerCharacter: number | undefined;
  readonly chineseCharacters: number;
}

/** Adds documents up; one model, one tally. */
export class BitsTally {
  #bits = 0;
  #characters = 0;
  #chineseBits = 0;
  #chineseCharacters = 0;

  /** @param bits of every code point of the document and, last, of its end */
  add(document: string, bits: ArrayLike<number>): void {
    let i = 0;
    for (const character of document) {
      const cost = bits[i++]!;
      this.#bits += cost;
      if (!isHan(character)) continue;
      this.#chineseBits += cost;
      this.#chineseCharacters++;
    }
    if (bits.length !== i + 1) throw new Error(`${bits.length} costs for ${i} characters and the end`);
    this.#bits += bits[i]!;
    this.#characters += i + 1;
  }

  result(): BitsPerCharacter {
    return {
      bitsPerCharacter: this.#bits / this.#characters,
      characters: this.#characters,
      chineseBitsPerCharacter: this.#chineseCharacters === 0 ? undefined : this.#chineseBits / this.#chineseCharacters,
      chineseCharacters: this.#chineseCharacters,
    };
  }
}

/** @param score bits of every code point of a document and, last, of its end */
export function bitsPerCharacter(
  score: (document: string) => ArrayLike<number>,
  documents: Iterable<string>,
): BitsPerCharacter {
  const tally = new BitsTally();
  for (const document of documents) tally.add(document, score(document));
  return tally.result();
}

/**
 * Spreads the losses of a document's tokens over its characters by the rule above.
 *
 * @param tokens the bytes of every token but the end; together exactly the document in UTF-8
 * @param nats loss of every token and, last, of the end token
 * @returns bits of every code point and, last, of the end; they sum to the sum of the losses
 */
export function characterBits(document: string, tokens: readonly Uint8Array[], nats: ArrayLike<number>): Float64Array {
  if (nats.length !== tokens.length + 1)
    throw new Error(`${nats.length} losses for ${tokens.length} tokens and the end`);
  const bytes = new TextEncoder().encode(document);
  const characterAt = new Int32Array(bytes.length);
  let characters = 0;
  for (let i = 0; i < bytes.length; i++) {
    const continuation = (bytes[i]! & 0xc0) === 0x80;
    if (!continuation) characters++;
    characterAt[i] = characters - 1;
  }
  const bits = new Float64Array(characters + 1);
  let offset = 0;
  tokens.forEach((token, i) => {
    if (!startsWith(bytes, offset, token)) throw new Error(`token ${i} is not what the document has at byte ${offset}`);
    const first = characterAt[offset]!;
    const last = characterAt[offset + token.length - 1]!;
    const share = nats[i]! / Math.LN2 / (last - first + 1);
    for (let character = first; character <= last; character++) bits[character]! += share;
    offset += token.length;
  });
  if (offset !== bytes.length) throw new Error(`the tokens cover ${offset} of ${bytes.length} bytes`);
  bits[characters] = nats[tokens.length]! / Math.LN2;
  return bits;
}

function startsWith(bytes: Uint8Array, offset: number, token: Uint8Array): boolean {
  return token.length > 0 && token.every((byte, i) => bytes[offset + i] === byte);
}
