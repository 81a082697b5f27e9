/**
 * Writes packages/tokenizer/src/unicode-classes.ts: the character classes exactly as the regular expressions of
 * Hugging Face tokenizers see them, asked of the native library for every code point. Run it again when the pinned
 * `tokenizers` moves to another Unicode version:  node tests/golden/tokenizer-unicode-classes.ts
 */
import { writeFileSync } from 'node:fs';
import { Tokenizer } from 'tokenizers';

const classes = [
  ['L', '\\p{L}'],
  ['M', '\\p{M}'],
  ['N', '\\p{N}'],
  ['P', '\\p{P}'],
  ['S', '\\p{S}'],
  ['Z', '\\s'],
] as const;

function preTokenizer(regex: string) {
  const file = {
    version: '1.0',
    added_tokens: [],
    pre_tokenizer: { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false },
    model: { type: 'BPE', vocab: { a: 0 }, merges: [] },
  };
  return Tokenizer.fromString(JSON.stringify(file)).getPreTokenizer()!;
}

const codes: string[] = new Array<string>(0x110000).fill('C');
for (const [code, regex] of classes) {
  const splitter = preTokenizer(`x${regex}`);
  for (let start = 0; start < 0x110000; start += 0x4000) {
    let probe = '';
    for (let codePoint = start; codePoint < start + 0x4000; codePoint++) {
      if (codePoint < 0xd800 || codePoint > 0xdfff) probe += `x${String.fromCodePoint(codePoint)}y`;
    }
    if (probe === '') continue;
    for (const [piece] of splitter.preTokenizeString(probe)) {
      if (piece.length > 1 && piece.startsWith('x') && !piece.endsWith('y')) codes[piece.codePointAt(1)!] = code;
    }
  }
}
// "xy" is itself a match of x\p{L}.
for (const letter of 'xy') codes[letter.charCodeAt(0)] = 'L';

let runs = '';
for (let start = 0; start < 0x110000; ) {
  let end = start;
  while (end < 0x110000 && codes[end] === codes[start]) end++;
  runs += codes[start] + (end - start).toString(36);
  start = end;
}
const lines = runs.match(/.{1,114}/g)!.map((line) => `  '${line}',`);
const source = `/**
 * Character classes of every code point in Unicode 16.0, as Hugging Face tokenizers' regular expressions see them:
 * letters, marks, numbers, punctuation, symbols, white space. Frozen here because a tokenizer must not change its ids
 * when Node moves to another Unicode version. Made by tests/golden/tokenizer-unicode-classes.ts; do not edit the runs.
 */

export const OTHER = 0;
export const LETTER = 1;
export const MARK = 2;
export const NUMBER = 3;
export const PUNCTUATION = 4;
export const SYMBOL = 5;
export const SPACE = 6;

const CODES = 'CLMNPSZ';

/** Runs from U+0000 on: class letter, then length in base 36. */
const RUNS = [
${lines.join('\n')}
].join('');

let table: Uint8Array | undefined;

/** Class of each code point by its number; built on first use (1.1 MB). Surrogates are OTHER. */
export function characterClasses(): Uint8Array {
  if (table) return table;
  const classes = new Uint8Array(0x110000);
  let start = 0;
  for (const [, code, length] of RUNS.matchAll(/([A-Z])([0-9a-z]+)/g)) {
    const end = start + Number.parseInt(length!, 36);
    classes.fill(CODES.indexOf(code!), start, end);
    start = end;
  }
  table = classes;
  return classes;
}
`;
writeFileSync(new URL('../../packages/tokenizer/src/unicode-classes.ts', import.meta.url), source);
const probes = { 'U+1C89 (16.0)': 0x1c89, 'U+2EBF0 (15.1)': 0x2ebf0, 'U+088F (17.0)': 0x88f };
for (const [name, codePoint] of Object.entries(probes)) console.log(name, codes[codePoint]);
console.log(`${runs.length} characters of runs`);
