/**
 * Lines of a program in a text that nobody fenced. A line is code where it is a program's once its strings and comments are taken away,
 * and where a run of ASCII lines has the marks of one (machine-lines.ts); comments and blank lines between such lines belong to them.
 */
import { isForMachines } from './machine-lines.ts';

export type Region = { begin: number; end: number };

const NOT_ASCII = /[^\0-\x7f]/;
const MAY_BE_CODE = /["'`#]|\/\/|\/\*|--/;
const STRING_OR_COMMENT = /"[^"\n]*"|'[^'\n]*'|`[^`\n]*`|(?:^|\s)(?:\/\/|#|--\s).*$|\/\*.*?(?:\*\/|$)/g;
const OPERATION = /[={};]|[\w$\]]\(/;
const KEY = /^\s*"[^"\n]*"\s*:/;
const COMMENT = /^\s*(?:#(?![#!])|\/\/|\/\*|\*\s|\*\/|--\s|<!--)/;

type Kind = 'code' | 'ascii' | 'comment' | 'blank' | 'text';
type Line = Region & { kind: Kind };

/** In order, apart from each other, whole lines without the line break behind the last. */
export function codeRegions(text: string): Region[] {
  const regions: Region[] = [];
  let run: Line[] = [];
  let begin = 0;
  while (begin <= text.length) {
    const newline = text.indexOf('\n', begin);
    const end = newline < 0 ? text.length : newline;
    const kind = kindOf(text, begin, end);
    if (kind === 'text') {
      if (run.length > 0) regions.push(...regionsOf(text, run));
      run = [];
    } else if (run.length > 0 || kind !== 'blank') run.push({ begin, end, kind });
    begin = end + 1;
  }
  if (run.length > 0) regions.push(...regionsOf(text, run));
  return regions;
}

function kindOf(text: string, begin: number, end: number): Kind {
  // Most lines of a text begin with a Chinese character, which no line of code does.
  const first = text.charCodeAt(begin);
  if (begin < end && first > 0x7f && first !== 0x3000) return 'text';
  const line = text.slice(begin, end);
  if (line.trim() === '') return 'blank';
  if (!NOT_ASCII.test(line)) return isCode(line) ? 'code' : 'ascii';
  if (isCode(line)) return 'code';
  return COMMENT.test(line) ? 'comment' : 'text';
}

function isCode(line: string): boolean {
  if (!MAY_BE_CODE.test(line)) return false;
  const rest = line.replace(STRING_OR_COMMENT, '');
  return rest !== line && !NOT_ASCII.test(rest) && (OPERATION.test(rest) || KEY.test(line));
}

/** The whole run where it is a program; else its lines of code one by one, with the comments among them. */
function regionsOf(text: string, run: readonly Line[]): Region[] {
  const ascii = run.filter(({ kind }) => kind === 'ascii' || kind === 'code');
  if (ascii.length > 0 && isForMachines(ascii.map(({ begin, end }) => text.slice(begin, end)).join('\n'))) {
    return spanOf(run, ({ kind }) => kind === 'ascii' || kind === 'code');
  }
  const regions: Region[] = [];
  let part: Line[] = [];
  for (const line of run) {
    if (line.kind === 'code' || line.kind === 'comment') part.push(line);
    else {
      regions.push(...spanOf(part, ({ kind }) => kind === 'code'));
      part = [];
    }
  }
  return [...regions, ...spanOf(part, ({ kind }) => kind === 'code')];
}

/** From the first to the last line of a kind, comments right beside them with it. */
function spanOf(lines: readonly Line[], isOne: (line: Line) => boolean): Region[] {
  let first = lines.findIndex(isOne);
  let last = lines.findLastIndex(isOne);
  if (first < 0) return [];
  while (lines[first - 1]?.kind === 'comment') first--;
  while (lines[last + 1]?.kind === 'comment') last++;
  return [{ begin: lines[first]!.begin, end: lines[last]!.end }];
}
