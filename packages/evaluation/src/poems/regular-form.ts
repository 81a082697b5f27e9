/**
 * Regular form: four or eight verses of five, or of seven, Chinese characters, whatever stands between them. What a model that is not
 * asked for anything writes in it, beside the share of its corpus, says whether it has learnt the forms of verse.
 */
import { isHan } from '../bits/bits-per-character.ts';
import { VERSE_END } from './quatrain.ts';

/** @param document `{title}\n{lines}` */
export function isRegular(document: string): boolean {
  const end = document.indexOf('\n');
  if (end < 0) return false;
  const verses = document
    .slice(end + 1)
    .split(VERSE_END)
    .filter((verse) => verse !== '')
    .map((verse) => Array.from(verse));
  const length = verses[0]?.length;
  return (
    (verses.length === 4 || verses.length === 8) &&
    (length === 5 || length === 7) &&
    verses.every((verse) => verse.length === length && verse.every(isHan))
  );
}

export interface RegularShare {
  readonly samples: number;
  /** Share of the samples in regular form. */
  readonly share: number;
  /** Of the real documents. */
  readonly real: number;
}

/** @param documents real ones, of the corpus that was learnt */
export function regularShare(samples: readonly string[], documents: readonly string[]): RegularShare {
  const share = (texts: readonly string[]) => texts.filter(isRegular).length / Math.max(1, texts.length);
  return { samples: samples.length, share: share(samples), real: share(documents) };
}
