/**
 * Characters whose bytes always end up in one token before anything else can touch them. An encoder may start a word
 * from these tokens instead of from bytes, which makes Chinese words three times shorter.
 *
 * Why this is exact. BPE always joins the pair of lowest rank (the leftmost of equals). Take a character whose bytes,
 * alone, join to one token T. Let the piece of it at either edge, at any time, have no merge with anything outside at a
 * rank below the highest rank that its own merges needed so far. Then no outside merge can come before the character's
 * own next merge, so the bytes always join to T. If, further, T itself takes part in no merge below that rank, nothing
 * waits for T in vain, so beginning with T changes no later choice. Both conditions are checked against the
 * merges; a character that fails one is taken byte by byte.
 */
import { type MergeTable, NO_RANK } from './merge-table.ts';

const UNKNOWN = -2;
/** The character must be taken byte by byte. */
export const NOT_WHOLE = -1;

export class CharacterTokens {
  readonly #table: MergeTable;
  readonly #idOfByte: Int32Array;
  /** By code unit of the basic plane, filled when first asked. */
  readonly #known = new Int32Array(0x10000).fill(UNKNOWN);

  constructor(table: MergeTable, idOfByte: Int32Array) {
    this.#table = table;
    this.#idOfByte = idOfByte;
  }

  /** Token of a character of the basic plane (not a surrogate), or NOT_WHOLE. */
  get(codeUnit: number): number {
    const known = this.#known[codeUnit]!;
    if (known !== UNKNOWN) return known;
    const found = this.#examine(codeUnit);
    this.#known[codeUnit] = found;
    return found;
  }

  #examine(codeUnit: number): number {
    const table = this.#table;
    const pieces = [...Buffer.from(String.fromCharCode(codeUnit))].map((byte) => this.#idOfByte[byte]!);
    let highest = -1;
    while (pieces.length > 1) {
      const ranks = pieces.slice(1).map((right, i) => table.rank(pieces[i]!, right));
      const rank = Math.min(...ranks);
      const at = ranks.indexOf(rank);
      if (rank === NO_RANK) return NOT_WHOLE;
      highest = Math.max(highest, rank);
      if (at === 0 && table.lowestAsRight(pieces[0]!) <= highest) return NOT_WHOLE;
      if (at === pieces.length - 2 && table.lowestAsLeft(pieces.at(-1)!) <= highest) return NOT_WHOLE;
      pieces.splice(at, 2, table.idAt(table.find(pieces[at]!, pieces[at + 1]!)));
    }
    const token = pieces[0]!;
    return table.lowestAsLeft(token) > highest && table.lowestAsRight(token) > highest ? token : NOT_WHOLE;
  }
}
