/**
 * Form of a generated quatrain: four verses of five, or four of seven, Chinese characters.
 *
 * Judges the number and length of verses alone; tones, rhyme and sense are left to readers.
 */

import { isHan } from '../bits/bits-per-character.ts';

/** Whatever parts two verses. */
export const VERSE_END = /[，。！？；、,.!?;\s]+/u;

export interface Quatrain {
  /** Undefined when the text is no quatrain. */
  readonly form: 'five' | 'seven' | undefined;
  /** Pieces between punctuation marks and line ends, whatever the form. */
  readonly verses: readonly string[];
}

/** @param text a poem without its title */
export function parseQuatrain(text: string): Quatrain {
  const verses = text.split(VERSE_END).filter((verse) => verse !== '');
  if (verses.length !== 4) return { form: undefined, verses };
  const ofLength = (length: number) =>
    verses.every((verse) => Array.from(verse).length === length && Array.from(verse).every(isHan));
  return { form: ofLength(5) ? 'five' : ofLength(7) ? 'seven' : undefined, verses };
}
