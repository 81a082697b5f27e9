/** A text of verse as its lines, and the outer forms: how many there are, and how long they are. */

/** Whatever parts two verses. */
const VERSE_END = /[，。！？；、,.!?;\s]+/u;

const HAN = /^\p{Script=Han}$/u;

/** Whether a text is a single Chinese character. */
export function isHan(character: string): boolean {
  return HAN.test(character);
}

/** The lines of a poem without its title, each as its characters. */
export function versesOf(text: string): string[][] {
  return text
    .split(VERSE_END)
    .filter((verse) => verse !== '')
    .map((verse) => Array.from(verse));
}

export interface Quatrain {
  /** Undefined when the text is no quatrain. */
  readonly form: 'five' | 'seven' | undefined;
  /** Pieces between punctuation marks and line ends, whatever the form. */
  readonly verses: readonly string[];
}

/**
 * The outer form of a quatrain: four verses of five, or four of seven, Chinese characters, whatever their tones.
 * @param text a poem without its title
 */
export function parseQuatrain(text: string): Quatrain {
  const verses = versesOf(text);
  const joined = verses.map((verse) => verse.join(''));
  if (verses.length !== 4) return { form: undefined, verses: joined };
  const length = uniformLength(verses);
  return { form: length === 5 ? 'five' : length === 7 ? 'seven' : undefined, verses: joined };
}

/**
 * Regular form: four or eight verses of five, or of seven, Chinese characters, whatever stands between them. What a model that is not
 * asked for anything writes in it, beside the share of its corpus, says whether it has learnt the forms of verse.
 * @param document `{title}\n{lines}`
 */
export function isRegular(document: string): boolean {
  const end = document.indexOf('\n');
  if (end < 0) return false;
  const verses = versesOf(document.slice(end + 1));
  const length = uniformLength(verses);
  return (verses.length === 4 || verses.length === 8) && (length === 5 || length === 7);
}

/** Characters of each verse, where all have as many and no others. */
function uniformLength(verses: readonly (readonly string[])[]): number | undefined {
  const length = verses[0]?.length;
  return verses.every((verse) => verse.length === length && verse.every(isHan)) ? length : undefined;
}
