/** Texts as judges see them: the same form on both sides, so that no typing habit tells who wrote one. */

const INVISIBLE = /[[\p{Cc}\p{Cf}]--[\n]]/gv;
const SENTENCE_END = /[。！？!?…](?:[”’」』）)]*)/gu;

/** One form of characters, no invisible ones, one kind of line end, no empty lines. */
export function tidyText(text: string): string {
  return text
    .normalize('NFC')
    .replace(/\r\n?/g, '\n')
    .replace(INVISIBLE, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n');
}

/** Without white space. */
export const charactersOf = (text: string): number => Array.from(text.replace(/\s+/g, '')).length;

/** The longest beginning of at most so many characters that ends with a sentence; empty where the first sentence is longer. */
export function cutAtSentence(text: string, most: number): string {
  let end = 0;
  for (const { index, 0: mark } of text.matchAll(SENTENCE_END)) {
    const next = index + mark.length;
    if (charactersOf(text.slice(0, next)) > most) break;
    end = next;
  }
  return text.slice(0, end);
}
