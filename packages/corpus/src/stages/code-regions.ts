/**
 * Lines of a program in a text that nobody fenced. A line is code where it is a program's once its strings and comments are taken away,
 * and where a run of ASCII lines has the marks of one (machine-lines.ts); comments and blank lines between such lines belong to them.
 */

import { unitsOf } from '@tunan/page/utf16-units';
import { isForMachines } from './machine-lines.ts';

export interface Region {
  begin: number;
  end: number;
}

const NOT_ASCII = /[^\0-\x7f]/;
const MAY_BE_CODE = /["'`#]|\/\/|\/\*|--/;
const STRING_OR_COMMENT = /"[^"\n]*"|'[^'\n]*'|`[^`\n]*`|(?:^|\s)(?:\/\/|#|--\s).*$|\/\*.*?(?:\*\/|$)/g;
const OPERATION = /[={};]|[\w$\]]\(/;
const KEY = /^\s*"[^"\n]*"\s*:/;
/** Units of ASCII that are in every match of MAY_BE_CODE, and those that a comment begins with. */
const QUOTING = Uint8Array.from({ length: 128 }, (_, unit) => (`"'\`#/-`.includes(String.fromCharCode(unit)) ? 1 : 0));
const BEGINS_COMMENT = new Set([...'#/*-<'].map((mark) => mark.charCodeAt(0)));
const COMMENT = /^\s*(?:#(?![#!])|\/\/|\/\*|\*\s|\*\/|--\s|<!--)/;

type Kind = 'code' | 'ascii' | 'comment' | 'blank' | 'text';
type Line = Region & { kind: Kind };

/** In order, apart from each other, whole lines without the line break behind the last. */
export function codeRegions(text: string): Region[] {
  const units = unitsOf(text);
  const runs: Line[][] = [];
  let run: Line[] = [];
  let begin = 0;
  while (begin <= text.length) {
    const newline = text.indexOf('\n', begin);
    const end = newline < 0 ? text.length : newline;
    const kind = kindOf(text, units, begin, end);
    if (kind === 'text') {
      if (run.length > 0) runs.push(run);
      run = [];
    } else if (run.length > 0 || kind !== 'blank') run.push({ begin, end, kind });
    begin = end + 1;
  }
  if (run.length > 0) runs.push(run);
  return runs.flatMap((lines) => regionsOf(text, lines));
}

function kindOf(text: string, units: Uint16Array, begin: number, end: number): Kind {
  let lead = begin;
  while (lead < end && isBlank(units[lead]!)) lead++;
  if (lead === end) return 'blank';
  const first = units[lead]!;
  // Most lines of a text begin with a Chinese character, which no line of code does.
  if (lead === begin && first > 0x7f) return 'text';
  let [isAscii, isQuoting] = [true, false];
  for (let at = begin; at < end; at++) {
    const unit = units[at]!;
    if (unit > 0x7f) isAscii = false;
    else if (QUOTING[unit] === 1) isQuoting = true;
  }
  if (isAscii) return isQuoting && isCode(text.slice(begin, end)) ? 'code' : 'ascii';
  if (!isQuoting && first <= 0x7f && !BEGINS_COMMENT.has(first)) return 'text';
  const line = text.slice(begin, end);
  if (first > 0x7f && line.trim() === '') return 'blank';
  if (isQuoting && isCode(line)) return 'code';
  return COMMENT.test(line) ? 'comment' : 'text';
}

function isBlank(unit: number): boolean {
  return unit === 0x20 || unit === 0x3000 || (unit >= 0x09 && unit <= 0x0d);
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
