/**
 * Listings of program text: which blocks are lines of one, and the listing as one block without the numbers and buttons
 * that pages put beside it. Lines keep their indentation. A listing is told by its element (`<pre>`, a class, a fixed-width
 * font) and by what its lines look like; neither alone makes prose a program.
 */
import { hanLength, preformatted, visibleLength } from './block-text.ts';
import { joinedBlock } from './joined-block.ts';
import type { Block } from './page-tree.ts';

/** What pages call the element around a listing that is no `<pre>`. */
const NAME =
  /(?:^| )(?:codes?|source|source-?code|code[-_]?(?:block|box|area|body|content|snippet|view|wrap|wrapper|container|highlight|list)\w*|block-?code|highlight|highlighter|highlight-(?:source|code)\S*|syntax-?highlighter|dp-highlighter|code-?hilite|\w+_code|prettyprint|hljs|prism|linenums|crayon-\w+|wp_syntax|geshi|codebody|view-lines|cm-content|codemirror-\w+)(?= |$|[-_:])/;
const LANGUAGE = /(?:^| )(?:lang(?:uage)?-|brush|hljs|prettyprint|sh_)\w*/;
const FIXED_WIDTH = /font(?:-family)?\s*:[^;]*(?:monospace|courier|consolas|menlo|monaco)/i;
const WHITE_SPACE = /white-space(?:-collapse)?\s*:\s*([a-z-]+)/i;

export function namesListing(hint: string): boolean {
  return hint !== '' && (NAME.test(hint) || LANGUAGE.test(hint));
}

export function isSetAsListing(style: string): boolean {
  return FIXED_WIDTH.test(style);
}

/** @returns undefined where the style does not say */
export function keepsLines(style: string): boolean | undefined {
  const value = WHITE_SPACE.exec(style)?.[1];
  return value === undefined ? undefined : /^(?:pre|break-spaces)/i.test(value);
}

/** Names of what holds the number of a line. `token number` and `hljs-number` are numbers of the program. */
const NUMBERS =
  /(?:^|[\s_-])(?:ln|lnt|lno|gutter|rouge-gutter|lines?-?(?:no|nos|num|nums|number|numbers|index)|linenos?|linenumbers?|ln-n(?:um(?:bers?)?)?|pre-numbering|numbering|blob-num|cl-num|number-line)(?=$|[\s_-])/;
const COPY =
  /^(?:(?:登录后|點擊|点击|一键)?(?:复制|複製|拷贝)(?:代码|程式碼|代碼|全文|成功)?|已复制|Copy(?: code| to clipboard)?|Copied|view plain(?:copy)?(?: to clipboard)?(?:print)?\??|(?:查看|显示)纯文本|展开代码|收起代码|运行代码?|全屏)[!！]?$/i;

export function namesLineNumber(hint: string): boolean {
  return NUMBERS.test(hint);
}

/** Names of what stands above a listing: a language, buttons. Words of a program are marked as tokens. */
const TOOL =
  /(?:^|[\s_-])(?:toolbar|tools?|header|copy\w*|btn|button|lang|lang-?name|code-?lang|clipboard)(?=$|[\s_-])/;

export function namesTool(hint: string): boolean {
  return TOOL.test(hint) && !/(?:^|[\s_-])(?:token|hljs)(?=$|[\s_-])/.test(hint);
}

export function isCopyLabel(text: string): boolean {
  return text.length < 24 && COPY.test(text.trim());
}

const KEYWORDS =
  'def class for while if elif else try except finally with return import from lambda yield raise pass break continue print echo ' +
  'function func fn let const var val public private protected static final void int long char float double boolean bool string ' +
  'struct enum interface package using namespace template include require module export async await new delete throw catch ' +
  'switch case default do end begin select insert update create alter drop where sudo apt yum npm pip git docker cd mkdir curl wget set';

const CODE_LINE = [
  /[;{}]\s*(?:(?:\/\/|#|\/\*).*)?$/,
  new RegExp(String.raw`^\s*(?:${KEYWORDS.replaceAll(' ', '|')})\b.*[(){}[\]:;=<>"'./$*-]`, 'i'),
  /^\s*(?:else|try|finally|return|pass|break|continue|end|begin|do)\b[\s:\w]*$/,
  /^\s*(?:\/\/|\/\*|\*\/|\* |#|--\s|<!--)/,
  /^\s*[\w.$[\]'"@*&-]+(?:\s+[\w$*&]+)?\s*(?:[-+*/|&]?=|:=|=>|<-|->)\s*\S/,
  /^\s*[\w.:$]+\s*\([^\u4e00-\u9fff]*\)?/,
  /^\s*<\/?[a-zA-Z!?][^>]*>/,
  /^\s*["'][^"']*["']\s*:/,
  /^\s*[\])}]+[;,)]*$/,
  /^\s*\$ \w/,
  /^\s*@\w+(?:\(|$)/,
];

function isCodeLine(line: string): boolean {
  return CODE_LINE.some((pattern) => pattern.test(line));
}

/** `name: value` and the branches of a tree of files: code where they are preformatted. */
const SETTING = /^\s*(?:- )?[\w.-]+:(?:\s|$)|[├└]──/;

/** The share of lines, empty ones apart, that look like a program's. */
function codeShare(text: string): number {
  const lines = text.split('\n', 400).filter((line) => line.trim() !== '');
  return lines.length === 0 ? 0 : lines.filter((line) => isCodeLine(line) || SETTING.test(line)).length / lines.length;
}

/** @param said the page says that it is code, by `<code>` or a class */
export function looksLikeCode(text: string, said: boolean): boolean {
  if (/^ *```/m.test(text)) return false;
  const han = hanLength(text) / Math.max(1, visibleLength(text));
  if (said && han < 0.6) return true;
  const share = codeShare(text);
  return share >= 0.5 || (said && share > 0.2) || (han < 0.05 && share > 0 && /[{}();=<>$#\\|]/.test(text));
}

/** Lines that are the numbers 1, 2, 3 …, or begin with any number and go on by one. */
export function isNumberColumn(text: string): boolean {
  const numbers = text.trim().split(/\s+/);
  if (numbers.length < 2 || !numbers.every((number) => /^\d{1,5}[.:]?$/.test(number))) return false;
  return numbers.every((number, i) => Number.parseInt(number, 10) === Number.parseInt(numbers[0]!, 10) + i);
}

/** A listing without numbers before its lines, and without what follows or precedes it: a column of numbers, a button. */
export function bareListing(source: string): string {
  let lines = preformatted(source).split('\n');
  lines = withoutColumn(lines);
  while (lines.length > 0 && (isCopyLabel(lines.at(-1)!) || lines.at(-1) === '')) lines.pop();
  while (lines.length > 0 && (isCopyLabel(lines[0]!) || lines[0] === '')) lines.shift();
  const filled = lines.filter((line) => line !== '');
  const numbers = filled.map((line) => /^\s*(\d{1,5})(?:[.:|]\s|\s|$)/.exec(line)?.[1]);
  const isNumbered = filled.length >= 3 && numbers.every((number, i) => Number(number) === Number(numbers[0]) + i);
  if (isNumbered) lines = lines.map((line) => line.replace(/^\s*\d{1,5}[.:|]?(?:\s|$)/, ''));
  return lines.join('\n');
}

/** Numbers that stand together before or behind all lines. */
function withoutColumn(lines: string[]): string[] {
  const isNumber = (line: string | undefined): boolean => line !== undefined && /^\s*\d{1,5}\s*$/.test(line);
  let first = 0;
  while (isNumber(lines[first])) first++;
  let last = lines.length;
  while (last > first && isNumber(lines[last - 1])) last--;
  if (first >= 2 && first < lines.length && isNumberColumn(lines.slice(0, first).join('\n'))) return lines.slice(first);
  if (lines.length - last >= 2 && last > 0 && isNumberColumn(lines.slice(last).join('\n'))) return lines.slice(0, last);
  return lines;
}

/** A block as a line of a listing: no-break spaces are its indentation. */
function lineOf({ text, verbatim, source }: Block): string {
  if (verbatim) return text;
  return source
    .replace(/[ \t\r\n]+/g, ' ')
    .replace(/^ (?=\S|\u00a0)/, '')
    .replace(/\u00a0/g, ' ')
    .replace(/\u3000/g, '  ')
    .trimEnd();
}

const LISTING = { verbatim: true, code: true };
/** An element with more is a page, not a listing in it. */
const MOST_LINES = 3_000;

/** The blocks of an element that calls itself a listing, from number `from` on: one block where they are a program. */
export function joinListing(blocks: Block[], from: number): void {
  const isJoined = blocks.length === from + 1 && blocks[from]!.code;
  if (isJoined || blocks.length - from > MOST_LINES) return;
  const lines = withoutNumbers(blocks.slice(from));
  let prose = 0;
  while (prose < lines.length && isProse(lines[prose]!)) prose++;
  const listing = lines.slice(prose);
  if (listing.length === 0 || listing.some(isProse)) return;
  const text = bareListing(listing.map(lineOf).join('\n'));
  if (
    text === '' ||
    !looksLikeCode(
      text,
      listing.some(({ code }) => code),
    )
  )
    return;
  blocks.splice(from, blocks.length - from, ...lines.slice(0, prose), joinedBlock(listing, text, LISTING));
}

function isProse({ text, verbatim, linked }: Block): boolean {
  return !verbatim && (linked > 0 || hanLength(text) * 2 > visibleLength(text)) && !isCodeLine(text);
}

/** Without the blocks that are numbers of lines, in one column or one beside each line, and without buttons. */
function withoutNumbers(blocks: Block[]): Block[] {
  const rest = blocks.filter(({ text }) => !isCopyLabel(text) && !isNumberColumn(text));
  const numbers = rest.filter(({ text }) => /^\d{1,5}$/.test(text));
  const isCounting =
    numbers.length >= 1 &&
    numbers[0] === rest[0] &&
    rest.length > numbers.length &&
    numbers.every(({ text }, i) => Number(text) === Number(numbers[0]!.text) + i);
  return isCounting ? rest.filter(({ text }) => !/^\d{1,5}$/.test(text)) : rest;
}

const LEAST_LINES = 3;

/** Lines of a program that stand as paragraphs, entries of a list or lines with `<br>` become one listing. */
export function joinCodeLines(blocks: Block[]): Block[] {
  if (!blocks.some(({ source, text }) => isIndentedLine(source) && isCodeLine(text))) return withoutLabels(blocks);
  const joined: Block[] = [];
  for (let i = 0; i < blocks.length; ) {
    let end = i;
    while (end < blocks.length && isLineOfRun(blocks[end]!) && sharesPlace(blocks[i]!, blocks[end]!)) end++;
    const run = blocks.slice(i, end);
    if (run.length >= LEAST_LINES && run.some(({ source }) => isIndentedLine(source))) {
      joined.push(joinedBlock(run, bareListing(run.map(lineOf).join('\n')), LISTING));
      i = end;
    } else {
      joined.push(blocks[i]!);
      i++;
    }
  }
  return withoutLabels(joined);
}

function isIndentedLine(source: string): boolean {
  return /^[ \t\r\n]*\u00a0/.test(source);
}

function isLineOfRun({ text, verbatim, linked }: Block): boolean {
  if (verbatim || linked > 0 || text.length > 300) return false;
  const isComment = /^(?:\/\/|#|--|\/\*)/.test(text);
  return isCodeLine(text) && (isComment || hanLength(text) * 3 < visibleLength(text));
}

function sharesPlace(a: Block, b: Block): boolean {
  return a.element === b.element || a.element.parent === b.element.parent;
}

/** A button beside a listing is none of its lines, wherever it stands. */
function withoutLabels(blocks: Block[]): Block[] {
  if (!blocks.some(({ code }) => code)) return blocks;
  return blocks.filter(
    ({ text }, i) => !(isCopyLabel(text) && (blocks[i - 1]?.code === true || blocks[i + 1]?.code === true)),
  );
}
