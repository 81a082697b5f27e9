/**
 * Where the tokens of an echoed answer stand in the text that was sent, and whether the answer can be believed.
 *
 * Text, tokens, offsets and log-probabilities say the same thing four times. Servers are seen that leave tokens out, count offsets
 * from elsewhere, or put a number in place of a value that they do not have; every score made of such an answer would be
 * wrong without a word. So the tokens alone place themselves in the text, byte by byte, and all else must agree with them.
 */

import { ClauseError } from '../errors.ts';

export interface EchoedToken {
  /** Bytes of the UTF-8 text from which and up to which the token reaches. */
  readonly start: number;
  readonly end: number;
  /** Null where the endpoint gives none: the first token of a text that nothing precedes. */
  readonly logprob: number | null;
  /** One of several that share the characters of their place in a way that the endpoint does not tell. */
  readonly unsure: boolean;
}

/** The tokens of a text that was sent, in order; a token that stands for the beginning alone is left out. */
export interface EchoedText {
  readonly text: string;
  readonly tokens: readonly EchoedToken[];
}

export interface EchoLogprobs {
  readonly tokens: readonly string[];
  readonly token_logprobs: readonly (number | null)[];
  /** Some servers have none; those that have must agree with the tokens. */
  readonly text_offset?: readonly number[] | null | undefined;
}

/** Numbers that stand for "none" or for minus infinity (-9999, -1e30) lie below; no softmax in float32 comes near it. */
const LEAST_LOGPROB = -1_000;
/** Rounding may lift a certain token's log-probability this much above zero. */
const ROUNDING = 1e-3;

/**
 * @param asked the text that was sent
 * @param answered what came back: the text, and perhaps what was generated behind it
 * @throws ClauseError saying what does not fit
 */
export function readEcho(asked: string, answered: string, logprobs: EchoLogprobs): EchoedText {
  const { tokens, token_logprobs: values, text_offset: offsets } = logprobs;
  if (!answered.startsWith(asked)) {
    throw new ClauseError({ en: 'the answer does not begin with the text sent', zh: '应答不以所发文本开头' });
  }
  if (values.length !== tokens.length || (offsets && offsets.length !== tokens.length)) {
    const [en, zh] = offsets ? [` and ${offsets.length} offsets`, `、${offsets.length} 个位置`] : ['', ''];
    throw new ClauseError({
      en: `${tokens.length} tokens with ${values.length} log-probabilities${en}`,
      zh: `${tokens.length} 个词元却有 ${values.length} 个对数概率${zh}`,
    });
  }
  const size = Buffer.byteLength(asked);
  const source = Buffer.from(answered);
  const lead = leadOf(source, tokens, values);
  const places = place(source, tokens, lead, size);
  const end = places.at(-1)?.end ?? 0;
  if (end < size) {
    const characters = [...asked].length;
    const covered = [...source.toString('utf8', 0, end)].length;
    throw new ClauseError({
      en: `its ${tokens.length} tokens cover ${covered} of the text's ${characters} characters`,
      zh: `其 ${tokens.length} 个词元只覆盖文本 ${characters} 字中的 ${covered} 字`,
    });
  }
  if (offsets) checkOffsets(source, tokens, places, offsets, lead);
  const own = places.filter(({ start, end }) => start < size && end <= size);
  if (own.at(-1)?.end !== size) {
    throw new ClauseError({
      en: 'a token reaches from the text sent into what was generated',
      zh: '有词元跨越所发文本与生成的文本',
    });
  }
  const echoed = own.map((token, i) => {
    const value = values[lead + i]!;
    checkValue(value, tokens[lead + i]!, i === 0);
    return { start: token.start, end: token.end, logprob: value, unsure: token.unsure ?? false };
  });
  return { text: asked, tokens: echoed };
}

interface Place {
  readonly start: number;
  readonly end: number;
  /** One of several that cut characters between them; where, is not known. */
  readonly unsure?: boolean;
  /** Such a one that is not the first. */
  readonly inside?: boolean;
}

/** Tokens such as `<s>` that a server puts in front and that are not in the text. */
function leadOf(source: Buffer, tokens: readonly string[], values: readonly (number | null)[]): number {
  const isLead = values[0] === null && tokens.length > 1 && /^[<[｜|].*[>\]｜|]$/.test(tokens[0]!);
  return isLead && bytesAt(source, 0, tokens[0]!) === undefined ? 1 : 0;
}

/** Places the tokens one after the other, up to the end of the text sent. */
function place(source: Buffer, tokens: readonly string[], lead: number, size: number): Place[] {
  const places: Place[] = [];
  // Nearly always the tokens, as they are written, are the text.
  const plain = source.toString('utf8').startsWith(tokens.slice(lead).join(''));
  let at = 0;
  for (let i = lead; i < tokens.length && at < size; ) {
    const length = plain && tokens[i] !== '' ? Buffer.byteLength(tokens[i]!) : bytesAt(source, at, tokens[i]!);
    if (length !== undefined) {
      places.push({ start: at, end: at + length });
      at += length;
      i++;
      continue;
    }
    const pieces = piecesFrom(tokens, i);
    // Some servers write nothing until a character is whole, which the token behind then has.
    const held = pieces > 0 && tokens.slice(i, i + pieces).every((token) => token === '');
    const whole = held ? bytesAt(source, at, tokens[i + pieces] ?? '') : undefined;
    if (whole !== undefined) {
      for (let piece = 0; piece < pieces; piece++) places.push({ start: at, end: at + whole });
      i += pieces;
      continue;
    }
    // A token alone that is not written out has whole characters, and nothing says which.
    const cut = pieces > 1 && tokens.slice(i, i + pieces).some((token) => token !== '');
    const end = !cut ? undefined : endOfPieces(source, at, pieces, tokens[i + pieces], size);
    if (end === undefined) {
      const there = [...source.toString('utf8', at)].slice(0, 8).join('');
      const [token, text] = [JSON.stringify(tokens[i]), JSON.stringify(there)];
      throw new ClauseError({
        en: `token ${i} is ${token} where the text has ${text}`,
        zh: `第 ${i} 个词元是 ${token}，而文本此处是 ${text}`,
      });
    }
    // Which of them is which part of the characters is not known: each touches all of them.
    const unsure = [...source.toString('utf8', at, end)].length > 1 && pieces > 1;
    for (let piece = 0; piece < pieces; piece++) places.push({ start: at, end, unsure, inside: piece > 0 });
    at = end;
    i += pieces;
  }
  return places;
}

/** Bytes that the token has in the text from this place; undefined where it is not there. */
function bytesAt(source: Buffer, at: number, token: string): number | undefined {
  for (const form of formsOf(token, at)) {
    if (form.length > 0 && source.subarray(at, at + form.length).equals(form)) return form.length;
  }
  return undefined;
}

/** As text, as bytes (`bytes:\xe6\x98`, `<0xE6>`), and with the ▁ that SentencePiece writes for a space. */
function formsOf(token: string, at: number): Buffer[] {
  const forms = [Buffer.from(token)];
  if (/^bytes:(\\x[0-9a-f]{2})+$/i.test(token)) forms.push(Buffer.from(token.replace(/^bytes:|\\x/g, ''), 'hex'));
  if (/^<0x[0-9a-f]{2}>$/i.test(token)) forms.push(Buffer.from(token.slice(3, 5), 'hex'));
  if (token.includes('▁')) forms.push(Buffer.from(token.replaceAll('▁', ' ')));
  if (at === 0 && token.startsWith('▁')) forms.push(Buffer.from(token.slice(1).replaceAll('▁', ' ')));
  return forms;
}

/** How many tokens from here on are parts of characters that the server could not write as text. */
function piecesFrom(tokens: readonly string[], first: number): number {
  let count = 0;
  while (first + count < tokens.length && /^$|\ufffd/.test(tokens[first + count]!)) count++;
  return count;
}

/** The nearest end of a character behind which the text goes on with the next token. */
function endOfPieces(
  source: Buffer,
  at: number,
  pieces: number,
  next: string | undefined,
  size: number,
): number | undefined {
  // A piece has four bytes of a character's at most and a little text beside them.
  const farthest = Math.min(size, at + 16 * pieces);
  for (let end = at + 1; end <= farthest; end++) {
    const whole = end === source.length || (source[end]! & 0xc0) !== 0x80;
    if (!whole) continue;
    if (next === undefined || end === size ? end === size : bytesAt(source, end, next) !== undefined) return end;
  }
  return undefined;
}

/** Offsets count code points, UTF-16 units or bytes of the text, or the lengths of the tokens as they are written. */
function checkOffsets(
  source: Buffer,
  tokens: readonly string[],
  places: readonly Place[],
  offsets: readonly number[],
  lead: number,
): void {
  const { points, units } = countsBefore(source);
  const written = { points: 0, units: 0 };
  const shift = offsets[lead]!;
  const wrong = [-1, -1, -1, -1, -1];
  places.forEach(({ start, inside = false }, i) => {
    const counts = [points[start]!, units[start]!, start, written.points, written.units];
    counts.forEach((count, way) => {
      if (wrong[way]! < 0 && !inside && offsets[lead + i] !== shift + count) wrong[way] = i;
    });
    const token = tokens[lead + i]!;
    written.points += [...token].length;
    written.units += token.length;
  });
  if (wrong.includes(-1)) return;
  const at = Math.max(...wrong);
  const right = shift + points[places[at]!.start]!;
  const given = offsets[lead + at];
  throw new ClauseError({
    en: `text_offset of token ${lead + at} is ${given}, but the token begins at ${right}`,
    zh: `第 ${lead + at} 个词元的 text_offset 是 ${given}，而它从 ${right} 开始`,
  });
}

/** For every byte the code points and UTF-16 units before its character. */
function countsBefore(source: Buffer): { points: Uint32Array; units: Uint32Array } {
  const points = new Uint32Array(source.length + 1);
  const units = new Uint32Array(source.length + 1);
  let [seenPoints, seenUnits, ownUnits] = [0, 0, 0];
  for (let i = 0; i <= source.length; i++) {
    const begins = i === source.length || (source[i]! & 0xc0) !== 0x80;
    if (begins && i > 0) {
      seenPoints++;
      seenUnits += ownUnits;
    }
    if (begins) ownUnits = source[i]! >= 0xf0 ? 2 : 1;
    points[i] = seenPoints;
    units[i] = seenUnits;
  }
  return { points, units };
}

function checkValue(value: number | null, token: string, first: boolean): void {
  if (value === null ? first : value >= LEAST_LOGPROB && value <= ROUNDING) return;
  const name = JSON.stringify(token);
  throw new ClauseError({ en: `the log-probability of ${name} is ${value}`, zh: `${name} 的对数概率是 ${value}` });
}
