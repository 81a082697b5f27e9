/**
 * Tells lines that were written for a machine (code, commands, addresses) from lines of language, for measures that ask what language a
 * document is in: a Chinese tutorial is Chinese however much code it shows. Judged are runs of ASCII lines as a whole, since a line of
 * code may be a lone word; and blocks in fences, whatever they say. A foreign sentence is no code, nor is a table of numbers or a blob of
 * encoded data. Nothing is taken out of documents here.
 */

import { unitsOf } from '@tunan/page/utf16-units';

/**
 * Marks that code has and sentences hardly: operators and brackets; a bracket, a point or a colon between names (f(, a.b, a:b, a::b), options.
 * Counted by the table of units, since a match for each would be an array as long as the text.
 */
const MARKS = '{}[]<>=$\\|&_#@*/+~^`;';
const [IS_MARK, IS_LETTER, IS_NAME] = [1, 2, 4] as const;
const ASCII = Uint8Array.from({ length: 128 }, (_, unit) => {
  const character = String.fromCharCode(unit);
  const isLetter = /[A-Za-z]/.test(character);
  return (
    (MARKS.includes(character) ? IS_MARK : 0) |
    (isLetter ? IS_LETTER : 0) |
    (isLetter || /[0-9_]/.test(character) ? IS_NAME : 0)
  );
});
/** English prose has a mark in 60 characters, code in the pages at hand one in 5 to 13. */
const LEAST_MARKS = 0.075;
const LEAST_LETTERS = 1 / 3;
/** Names in code are shorter; longer runs are keys, hashes, base64. */
const BLOB = /[A-Za-z0-9+/=]{48}/;
const SPACE = /\s/;

/** A block between two lines of ticks or tildes, with both. */
export const FENCED = /^[ \t]*(`{3,}|~{3,})[^`\n]*\n(?:[^\n]*\n)*?[ \t]*\1[`~]*[ \t]*$/gm;

/** The text without its runs of lines for machines; the same string where it has none. */
export function withoutMachineLines(text: string): string {
  const unfenced = text.includes('```') || text.includes('~~~') ? text.replace(FENCED, '') : text;
  const kept: string[] = [];
  let run: string[] = [];
  let changed = false;
  const close = () => {
    if (isForMachines(run.join('\n'))) changed = true;
    else kept.push(...run);
    run = [];
  };
  for (const line of unfenced.split('\n')) {
    if (isAscii(line)) run.push(line);
    else {
      if (run.length > 0) close();
      kept.push(line);
    }
  }
  if (run.length > 0) close();
  return changed ? kept.join('\n') : unfenced;
}

/** Whether lines of ASCII, as a whole, were written for a machine. */
export function isForMachines(run: string): boolean {
  const units = unitsOf(run);
  const marks = marksIn(units, run.length);
  if (marks === 0) return false;
  let [characters, letters] = [0, 0];
  for (let i = 0; i < run.length; i++) {
    const unit = units[i]!;
    if (unit <= 0x20 ? !isAsciiSpace(unit) : unit < 0x80 || !SPACE.test(run[i]!)) characters++;
    if (is(IS_LETTER, unit)) letters++;
  }
  return marks >= LEAST_MARKS * characters && letters >= LEAST_LETTERS * characters && !BLOB.test(run);
}

function is(kind: number, unit: number): boolean {
  return unit < 0x80 && (ASCII[unit]! & kind) !== 0;
}

function isAsciiSpace(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
}

/** @param units a 0 stands behind the last of them */
function marksIn(units: Uint16Array, length: number): number {
  let marks = 0;
  for (let at = 0; at < length; at++) {
    const [unit, next] = [units[at]!, units[at + 1]!];
    if (is(IS_MARK, unit) || (next === 0x28 && is(IS_NAME, unit))) marks++;
    else if ((next === 0x2e || next === 0x3a) && (is(IS_NAME, unit) || unit === 0x29)) {
      const isPath = next === 0x3a && units[at + 2] === 0x3a && is(IS_LETTER, units[at + 3]!);
      if (!isPath && !is(IS_NAME, units[at + 2]!) && units[at + 2] !== 0x24) continue;
      marks++;
      at += isPath ? 2 : 1;
    } else if (next === 0x2d && unit === 0x2d && isSmallLetter(units[at + 2]!)) {
      marks++;
      at++;
    }
  }
  return marks;
}

function isSmallLetter(unit: number): boolean {
  return unit >= 0x61 && unit <= 0x7a;
}

function isAscii(line: string): boolean {
  for (let i = 0; i < line.length; i++) if (line.charCodeAt(i) >= 0x80) return false;
  return true;
}
