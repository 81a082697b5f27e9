/** What the tokens of one vocabulary are in another: the same token, or the pieces that spell it. */
import type { Tokenizer } from './tokenizer.ts';

/**
 * Of each id of `next` the ids of `old`: one where both have the same token, several where the old vocabulary spells it with several, none
 * for a special token that the old one has not. Special tokens correspond by name, those that begin and end a text by what they are for.
 */
export function vocabularyPieces(old: Tokenizer, next: Tokenizer): (readonly number[])[] {
  const known = new Map<string, number>();
  const specials = new Map<string, number>();
  for (let id = 0; id < old.vocabularySize; id++) {
    if (old.hasToken(id)) (old.isSpecial(id) ? specials : known).set(keyOf(old.tokenBytes(id)), id);
  }
  const roles = new Map([
    [next.bod, old.bod],
    [next.eod, old.eod],
  ]);
  const byte = (value: number) => known.get(String.fromCharCode(value))!;
  return Array.from({ length: next.vocabularySize }, (_, id) => {
    if (!next.hasToken(id)) return [];
    const bytes = next.tokenBytes(id);
    if (next.isSpecial(id)) {
      const same = specials.get(keyOf(bytes)) ?? roles.get(id);
      return same === undefined ? [] : [same];
    }
    const same = known.get(keyOf(bytes));
    if (same !== undefined) return [same];
    const text = Buffer.from(bytes).toString('utf8');
    const isText = Buffer.from(text, 'utf8').equals(Buffer.from(bytes)); // else a part of a character
    return isText ? [...old.encode(text, { specials: false })] : Array.from(bytes, byte);
  });
}

const keyOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
