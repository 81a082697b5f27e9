/** Text that reads like nothing: what broken converters, lists of snippets and keyword stuffers make of good text. Spun word
 * order is not here: n-grams do not see it, the perplexity of stage `perplexity` does. */
import { pick } from './random.ts';

const KINDS: readonly ((text: string, random: () => number) => string)[] = [
  utf8ReadAsGbk,
  keywordSoup,
  snippets,
  lostPunctuation,
  bracketed,
];

export function damage(text: string, random: () => number): string {
  return pick(KINDS, random)(text, random);
}

function utf8ReadAsGbk(text: string): string {
  return new TextDecoder('gbk').decode(Buffer.from(text.slice(0, 500), 'utf8'));
}

/** Words of a text, many times over. */
function keywordSoup(text: string, random: () => number): string {
  const clean = text.replace(/[^\p{Script=Han}]/gu, '');
  const words = Array.from({ length: 12 }, () => {
    const start = Math.floor(random() * clean.length);
    return clean.slice(start, start + 2 + Math.floor(random() * 5));
  });
  return Array.from({ length: 60 }, () => pick(words, random)).join(pick([' ', ',', '_', '|', '、'], random));
}

/** Beginnings of sentences, as lists of results show them. */
function snippets(text: string, random: () => number): string {
  const end = pick(['...', '……[详细]', '…', '...阅读全文', '..'], random);
  return text
    .split(/[。！？\n]/)
    .filter((sentence) => sentence.length > 6)
    .map((sentence) => `${sentence.slice(0, 8 + Math.floor(random() * 16))}${end}`)
    .join('\n');
}

/** Every few characters a stray one, no punctuation: what recognised scans and scrambled pages look like. */
function lostPunctuation(text: string, random: () => number): string {
  const stray = 'ｏ丨◇□●�_`^~|\\;:?!1l';
  return Array.from(text.replace(/[\p{P}\s]/gu, ''), (character) =>
    random() < 0.15 ? character + pick([...stray], random) : character,
  ).join('');
}

/** Long stretches with every character in brackets, so that search engines take copied text for new. */
function bracketed(text: string, random: () => number): string {
  const [open, close] = pick(['【】', '[]', '（）', '「」'], random) as unknown as [string, string];
  const start = Math.floor(random() * text.length * 0.5);
  const inside = Array.from(text.slice(start, start + 400), (character) => open + character + close).join('');
  return text.slice(0, start) + inside + text.slice(start + 400);
}
