/**
 * The text of a block as a browser shows it: entities, white space, characters without width, reversed passages. Nothing
 * here knows of elements.
 */
import { decodeHTML } from 'entities';

/** Two references to the halves of one character, as programs wrote that knew UTF-16 only. */
const HALVES = /&#(?:x(d[89ab][\da-f]{2})|(5[56]\d{3}));&#(?:x(d[c-f][\da-f]{2})|(5[67]\d{3}));/gi;

export function decoded(text: string): string {
  if (!text.includes('&')) return text;
  return decodeHTML(text.includes('&#') ? text.replace(HALVES, joined) : text);
}

function joined(references: string, ...halves: (string | undefined)[]): string {
  const [high, low] = [halfOf(halves[0], halves[1]), halfOf(halves[2], halves[3])];
  if (high < 0xd800 || high > 0xdbff || low < 0xdc00 || low > 0xdfff) return references;
  return String.fromCharCode(high, low);
}

function halfOf(hexadecimal: string | undefined, decimal: string | undefined): number {
  return hexadecimal === undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16);
}

const CHINESE = '\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef';
const HAN_BREAK = new RegExp(String.raw`([${CHINESE}])[^\S\n]*\n\s*(?=[${CHINESE}])`, 'g');

/** Soft hyphens, zero-width spaces, word joiners, marks of direction: they part nothing that a reader sees. */
const INVISIBLE = /[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]/g;
/** Joiners shape emoji and other scripts; beside Chinese they are noise. */
const IDLE_JOINER = new RegExp(String.raw`[\u200c\u200d]+(?=[${CHINESE}]|$)|(?<=^|[${CHINESE}])[\u200c\u200d]+`, 'g');
const ANY_INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/;
/** From the mark that reverses what follows to the one that ends it. */
const REVERSED = /\u202e([^\u202c\n]*)(?:\u202c|$)/g;

/** Without characters that show nothing; what is written from behind to look right is written as it looks. */
function visibleText(text: string): string {
  if (!ANY_INVISIBLE.test(text)) return text;
  return text
    .replace(REVERSED, (_, passage: string) => reversed(passage))
    .replace(INVISIBLE, '')
    .replace(IDLE_JOINER, '');
}

export function reversed(text: string): string {
  return [...text].reverse().join('');
}

/** White space as a browser shows it; a line end of the source between two Chinese characters is no space. */
export function collapse(source: string): string {
  if (isCollapsed(source)) return source;
  const text = visibleText(source);
  const joinedLines = text.includes('\n') ? text.trim().replace(HAN_BREAK, '$1') : text;
  return joinedLines.replace(/\s+/g, ' ').trim();
}

/** Nothing to do, as for most texts: no white space but single spaces inside, no character without width. */
function isCollapsed(text: string): boolean {
  let before = 0x20;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 ? code !== 0x20 || before === 0x20 : code >= 0x7f && isUnusual(code)) return false;
    before = code;
  }
  return text === '' || before !== 0x20;
}

/** Beyond ASCII: may be white space or show nothing. */
function isUnusual(code: number): boolean {
  return code < 0x2e80
    ? code < 0xb7 || (code >= 0x1680 && (code < 0x2010 || code > 0x2027))
    : code === 0x3000 || code === 0xfeff;
}

/** Preformatted text: lines and what they begin with stay. */
export function preformatted(source: string): string {
  return visibleText(source)
    .replace(/\u00a0/g, ' ')
    .replace(/[^\S\n]+$/gm, '')
    .replace(/^\n+|\s+$/g, '');
}

/** Characters that are no white space. */
export function visibleLength(text: string): number {
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x20 && code !== 0xa0 && code !== 0x3000) n++;
  }
  return n;
}

/** Chinese characters of the basic block. */
export function hanLength(text: string): number {
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x4e00 && code <= 0x9fff) n++;
  }
  return n;
}

/** Marks of Chinese punctuation that part or end a clause: how much of a text is sentences. */
export function marksIn(text: string): number {
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0xff0c || code === 0x3002 || code === 0xff01 || code === 0xff1f || code === 0xff1b || code === 0x3001)
      n++;
  }
  return n;
}
