/**
 * The article of a page that shows nothing without its scripts: it stands in them, as a string in JSON or in JavaScript.
 *
 * No names of sites or frameworks are asked for. All strings of all scripts are read, with the name that each is given to;
 * Chinese prose is told by its length and punctuation. The longest string is the text, or, where paragraphs are strings of
 * their own, all strings of the same name. Strings may hold JSON, HTML or percent signs in turn.
 */
import { hanLength, marksIn } from './block-text.ts';
import { dateOfMeta } from './dates.ts';
import { rawTexts } from './raw-text.ts';

export interface ScriptText {
  /** HTML or plain text. */
  source: string;
  isHtml: boolean;
  han: number;
  title: string | undefined;
  date: string | undefined;
}

interface Value {
  name: string;
  text: string;
  han: number;
}

/** Less is a notice or a description. */
const LEAST_HAN = 80;
const LEAST_MARKS = 2;
/** A paragraph among others of the same name. */
const LEAST_PART = 8;
/** JSON in a string in JSON. */
const DEEPEST = 3;
const MOST_VALUES = 20_000;
/** A string that says nearly as much as the longest, but with paragraphs, is better. */
const NEARLY = 0.85;

export function scriptText(html: string): ScriptText | undefined {
  const values: Value[] = [];
  for (const script of rawTexts(html, 'script')) if (holdsChinese(script)) readStrings(script, values, 0);
  const prose = values.filter(({ text, han }) => han >= LEAST_PART && marksIn(text) > 0);
  if (prose.length === 0) return undefined;
  const longest = Math.max(...prose.map(({ han }) => han));
  const best =
    prose.find((value) => value.han >= NEARLY * longest && hasParagraphs(value.text)) ??
    prose.find(({ han }) => han === longest)!;
  const parts = prose.filter(({ name }) => name === best.name);
  const all = parts.reduce((sum, { han }) => sum + han, 0);
  const isWhole = hasParagraphs(best.text) || best.han * 2 >= all;
  const source = isWhole ? best.text : parts.map(({ text }) => text).join('\n');
  if ((isWhole ? best.han : all) < LEAST_HAN || marksIn(source) < LEAST_MARKS) return undefined;
  return {
    source,
    isHtml: TAG.test(source),
    han: isWhole ? best.han : all,
    title: values.find(
      ({ name, text }) => TITLE.test(name) && text.length >= 4 && text.length <= 100 && hanLength(text) > 1,
    )?.text,
    date: dateAmong(values, html),
  };
}

const TAG = /<\/?(?:p|br|div|section|span|img|h[1-6]|ul|ol|li|strong|b|em|blockquote|figure)\b[^<>]*>/i;
const TITLE = /^(?:title|headline|article_?title|subject)$/i;
const DATE =
  /^(?:date_?published|publish(?:ed)?_?(?:time|date|at)?|pub_?(?:date|time)|created?_?(?:at|time|date)|ctime|post_?time|release_?(?:date|time)|date)$/i;
const SECONDS =
  /["']?(?:publish(?:ed)?_?(?:time|at)|pub_?time|created?_?(?:at|time)|ctime)["']?\s*:\s*(1\d{9}(?:\d{3})?)\b/i;

function hasParagraphs(text: string): boolean {
  return /\S\s*\n\s*\S/.test(text) || TAG.test(text);
}

function dateAmong(values: readonly Value[], html: string): string | undefined {
  for (const { name, text } of values) {
    const date = DATE.test(name) && text.length < 60 ? dateOfMeta(text) : undefined;
    if (date !== undefined) return date;
  }
  return dateOfMeta(SECONDS.exec(html)?.[1] ?? '');
}

/** Chinese as it stands, as \u4e2d, or as %E4%B8%AD. */
function holdsChinese(text: string): boolean {
  return /[\u4e00-\u9fff]|\\u[4-9][\da-f]{3}|%E[4-9]%/i.test(text);
}

/** The name before a value: `"name": "`, `name: f('`, `var name = "`. */
const NAME = /(?:"([^"\\]{1,60})"|'([^'\\]{1,60})'|([\w$]{1,60}))\s*[:=]\s*(?:[\w$.]+\s*\(\s*)*$/;

function readStrings(script: string, values: Value[], depth: number): void {
  let name = '';
  for (let at = 0; at < script.length && values.length < MOST_VALUES; ) {
    const code = script.charCodeAt(at);
    if (code !== 0x22 && code !== 0x27 && code !== 0x60) {
      at = code === 0x2f ? afterComment(script, at) : at + 1;
      continue;
    }
    const end = endOfString(script, at, code);
    if (end < 0) {
      at++;
      continue;
    }
    const given = NAME.exec(script.slice(Math.max(0, at - 100), at));
    if (given !== null) name = given[1] ?? given[2] ?? given[3]!;
    const raw = script.slice(at + 1, end);
    if (raw.length > 3 && (holdsChinese(raw) || DATE.test(name))) takeValue(name, raw, values, depth);
    at = end + 1;
  }
}

function takeValue(name: string, raw: string, values: Value[], depth: number): void {
  let text = unescaped(raw);
  if (/%E[4-9]%/i.test(text)) text = percentDecoded(text);
  const isJson = /^\s*[[{]/.test(text) && /[\]}]\s*$/.test(text) && /["']\s*[:,\]]/.test(text);
  if (isJson && depth < DEEPEST) {
    readStrings(text, values, depth + 1);
    return;
  }
  // Escaped twice.
  if (!text.includes('\n') && /\\(?:u[4-9][\da-f]{3}|n)/i.test(text)) text = unescaped(text);
  values.push({ name, text, han: hanLength(text) });
}

/** The place of the quotation mark that ends a string, -1 where a line ends before. */
function endOfString(script: string, start: number, quote: number): number {
  for (let i = start + 1; i < script.length; i++) {
    const code = script.charCodeAt(i);
    if (code === quote) return i;
    if (code === 0x5c) i++;
    else if (code === 0x0a && quote !== 0x60) return -1;
  }
  return -1;
}

function afterComment(script: string, at: number): number {
  const next = script[at + 1];
  // `https://` in a string is never looked at here; outside of one two slashes begin a comment.
  const end = next === '/' ? script.indexOf('\n', at) : next === '*' ? script.indexOf('*/', at + 2) : at;
  return end < 0 ? script.length : end + 1;
}

const NAMED: Record<string, string> = { n: '\n', r: '\n', t: '\t', b: '', f: '', v: '', 0: '' };

function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(
    /\\(?:u\{([\da-f]{1,6})\}|u([\da-f]{4})|x([\da-f]{2})|([\s\S]))/gi,
    (_, point, unit, byte, other) => {
      if (other !== undefined) return NAMED[other as string] ?? (other as string);
      const code = Number.parseInt((point ?? unit ?? byte) as string, 16);
      return code > 0x10ffff ? '' : code > 0xffff ? String.fromCodePoint(code) : String.fromCharCode(code);
    },
  );
}

function percentDecoded(text: string): string {
  return text.replace(/(?:%[\da-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
}
