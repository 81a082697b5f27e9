/**
 * What normalise leaves as it stands: code (in fences, between backticks, lines of a program without either; calls, tags and
 * attributes with strings in them), formulas between $…$, $$…$$, \(…\), \[…\], web addresses. Each is lifted out as one mark while the text
 * around it is worked on, and set down again: its indentation, line breaks, straight quotes and ASCII marks cannot change.
 */
import { codeRegions } from './code-regions.ts';
import { FENCED } from './machine-lines.ts';

/** Noncharacters of Unicode, which no text has once what is invisible is gone. */
const [BLOCK, LINES, PIECE] = ['\uFDD0', '\uFDD1', '\uFDD2'];
/** A space that stays, while the others go. */
export const KEPT_SPACE = '\uFDD3';

const TICK = '`';
const CHINESE = '\\u3000-\\u303f\\u4e00-\\u9fff\\uff00-\\uffef';
const STRING = `"[^"\\n]{0,200}"|'[^'\\n]{0,200}'`;

/** What may run over several lines; a formula has no full stop of a sentence in it. */
const BLOCKS = new RegExp(`${FENCED.source}|\\$\\$[^$。]{1,1000}?\\$\\$`, 'gm');
/** Code between backticks and formulas, within a line. */
const QUOTED = [
  String.raw`(?<!${TICK})(${TICK}{1,2})(?!${TICK})[^\n${TICK}]+\1(?!${TICK})`,
  String.raw`\\\[[^\n]{1,500}?\\\]|\\\([^\n]{1,500}?\\\)`,
  // As pandoc reads it: no space inside the dollars, no digit behind (5 $ and 10 $); no Chinese, which prices have between them.
  String.raw`(?<![\\$\w])\$(?![\s$])[^$\n${CHINESE}]{0,200}(?<![\s\\])\$(?![\d$])`,
];
const FORMULAS = new RegExp([String.raw`\$\$[^$。]{1,1000}?\$\$`, ...QUOTED].join('|'), 'g');
const MAY_HAVE_FORMULAS = /[`$]|\\[([]/;
/** Pieces within a line that stay. */
const PIECES = new RegExp(
  [
    ...QUOTED,
    // A Chinese name in a path belongs to the address where this goes on behind it.
    String.raw`(?:\b[A-Za-z][A-Za-z0-9+.-]{1,12}:\/\/|\bwww\.)[\w-][\w\-.~%/?#@!$&'*+,;=:[\]]*(?:(?<=[/=])[\u4e00-\u9fff]+(?=[/?#&.=_%-]+[\w%])[\w\-.~%/?#@!$&'*+,;=:]*)*(?<![.,;:!?'*\]])`,
    // Calls, blocks, tags and attributes; Chinese stands in their strings alone.
    String.raw`(?<![\w.$])[A-Za-z_$][\w.$]*\((?=[^()\n]{0,300}["'])(?:[^()\n"'${CHINESE}]|${STRING}|\([^()\n"'${CHINESE}]{0,100}\)){1,300}\)`,
    String.raw`\{(?=[^{}\n]{0,300}[;"'])(?:[^{}\n"'${CHINESE}]|${STRING}){1,300}\}`,
    String.raw`<[A-Za-z](?=[^<>\n]{0,300}["'])(?:[^<>\n"'${CHINESE}]|${STRING}){1,300}>`,
    String.raw`(?<![\w-])[A-Za-z_][\w.-]{0,40}=(?:${STRING})`,
  ].join('|'),
  'g',
);
const LATIN = /[A-Za-z]/;
const HAN = /\p{Script=Han}/u;
/** One of these is in every piece. */
const MAY_HAVE_PIECES = /[`$"'{]|\\[([]|:\/\/|www\./g;

/** Lifts what stays out of the text, does the work, and sets it down again. */
export function aroundVerbatim(text: string, work: (text: string) => string): string {
  if (!LATIN.test(text)) return work(text).replaceAll(KEPT_SPACE, ' ');
  const [blocks, lines, pieces]: string[][] = [[], [], []];
  const lift = (mark: string, into: string[]) => (piece: string) => {
    into.push(piece);
    return mark;
  };
  let lifted = text;
  if (/```|~~~|\$\$/.test(text)) lifted = lifted.replace(BLOCKS, lift(BLOCK!, blocks!));
  lifted = withoutRegions(lifted, lift(LINES!, lines!));
  lifted = withoutPieces(lifted, lift(PIECE!, pieces!));
  let worked = work(lifted).replaceAll(KEPT_SPACE, ' ');
  if (pieces!.length > 0) worked = setDown(worked, PIECE!, pieces!);
  if (lines!.length > 0) worked = setDown(worked, LINES!, lines!);
  return blocks!.length > 0 ? setDown(worked, BLOCK!, blocks!) : worked;
}

/** The text without its formulas and the code between backticks, where no Chinese is in them; code in lines of its own is not looked for. */
export function withoutFormulas(text: string): string {
  if (!MAY_HAVE_FORMULAS.test(text)) return text;
  return text.replace(FORMULAS, (piece) => (HAN.test(piece) ? piece : ''));
}

function withoutPieces(text: string, lift: (piece: string) => string): string {
  let result = '';
  let from = 0;
  MAY_HAVE_PIECES.lastIndex = 0;
  while (MAY_HAVE_PIECES.test(text)) {
    const begin = text.lastIndexOf('\n', MAY_HAVE_PIECES.lastIndex - 1) + 1;
    const newline = text.indexOf('\n', MAY_HAVE_PIECES.lastIndex);
    const end = newline < 0 ? text.length : newline;
    result += text.slice(from, begin) + text.slice(begin, end).replace(PIECES, lift);
    from = end;
    MAY_HAVE_PIECES.lastIndex = end;
  }
  return from === 0 ? text : result + text.slice(from);
}

function withoutRegions(text: string, lift: (piece: string) => string): string {
  let result = '';
  let from = 0;
  for (const { begin, end } of codeRegions(text)) {
    result += text.slice(from, begin) + lift(text.slice(begin, end));
    from = end;
  }
  return from === 0 ? text : result + text.slice(from);
}

function setDown(text: string, mark: string, pieces: readonly string[]): string {
  let next = 0;
  return text.replaceAll(mark, () => pieces[next++]!);
}
