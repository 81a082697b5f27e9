/**
 * Text of files that people keep, in whatever charset: UTF-8 where the bytes are, else what stage `decode` finds; a charset that the
 * recipe names is taken at its word.
 *
 * Charsets are told by the file, not by the line: a short line of GBK can be valid UTF-8 by chance.
 */
import { isUtf8 } from 'node:buffer';
import { decodePage } from '@tunan/page';
import type { Said } from '@tunan/protocol/mistakes';
import { isRejection } from '../document.ts';
import { CorpusError } from '../errors.ts';
import { readContent } from './content.ts';
import { byteLines } from './json-lines.ts';

/** Lets the bytes decide; the default of `encoding`. */
export const AUTO = 'auto';

/** Characters lost in a file that is otherwise sound; more, and the charset was another one. */
const MOST_LOST = 0.001;

/** What decides on the charset of a file of lines. */
const SNIFFED_BYTES = 2 ** 20;

export interface Decoded {
  text: string;
  encoding: string;
}

/** @throws CorpusError CORPUS_RECIPE for a charset that nobody knows */
export function requireEncoding(source: string, encoding: string): void {
  if (encoding === AUTO) return;
  try {
    new TextDecoder(encoding);
  } catch (cause) {
    const en = `source ${source}: unknown encoding "${encoding}"; leave it out, or name one that browsers know: utf-8, gb18030, big5`;
    const zh = `来源 ${source}：未知编码“${encoding}”；请省略该字段，或填写浏览器认识的名称：utf-8、gb18030、big5`;
    throw new CorpusError('CORPUS_RECIPE', { en, zh }, { cause });
  }
}

/** The text of a whole file, or the reason why it is none. */
export function decodeWhole(bytes: Uint8Array, encoding: string): Decoded | { damaged: string } {
  if (encoding !== AUTO) {
    const text = decodeStrictly(bytes, encoding);
    return text === undefined ? { damaged: 'invalid-encoding' } : { text, encoding };
  }
  const decoded = decodePage(bytes);
  if (isRejection(decoded)) return { damaged: decoded.reason };
  const { text, encoding: found } = decoded;
  if (countLost(text) > MOST_LOST * text.length) return { damaged: 'invalid-encoding' };
  return { text, encoding: found };
}

/** What is said of a place that cannot be decoded. */
export const NO_KNOWN_CHARSET: Said = {
  en: 'neither UTF-8 nor another charset known here',
  zh: '既不是 UTF-8，也不是已知的其他字符集',
};

/** With the number of the line that it is said of. */
export function atLine(line: number, { en, zh }: Said): Said {
  return { en: `line ${line}: ${en}`, zh: `第 ${line} 行：${zh}` };
}

export type DecodedLine = { line: number } & (Decoded | { damaged: string; bytes: Buffer });

/** The lines of a file from number 1, without their ends. */
export async function* decodedLines(path: string, encoding: string): AsyncGenerator<DecodedLine> {
  const charset = encoding === AUTO ? await charsetOfLines(path) : new TextDecoder(encoding).encoding;
  let line = 0;
  for await (const bytes of byteLines(path, contentAsBytesOf(path, charset))) {
    line++;
    // What was UTF-16 has become UTF-8 on the way, so that its lines can be told apart.
    const found = decodeLine(bytes, charset.startsWith('utf-16') ? 'utf-8' : charset, encoding === AUTO);
    if (found === undefined) yield { line, damaged: 'invalid-encoding', bytes };
    else {
      const text = line === 1 && found.text.startsWith('\uFEFF') ? found.text.slice(1) : found.text;
      yield { line, text: text.replace(/\r$/, ''), encoding: charset.startsWith('utf-16') ? charset : found.encoding };
    }
  }
}

function decodeLine(bytes: Buffer, charset: string, guessing: boolean): Decoded | undefined {
  const text = decodeStrictly(bytes, charset);
  if (text !== undefined) return { text, encoding: charset };
  if (!guessing) return undefined;
  const found = decodeWhole(bytes, AUTO);
  return 'damaged' in found ? undefined : found;
}

async function* contentAsBytesOf(path: string, charset: string): AsyncGenerator<Buffer> {
  if (!charset.startsWith('utf-16')) return yield* readContent(path);
  const decoder = new TextDecoder(charset);
  for await (const piece of readContent(path)) yield Buffer.from(decoder.decode(piece, { stream: true }));
  yield Buffer.from(decoder.decode());
}

/** UTF-8 unless most lines that are no ASCII are not; then what all of these together are. */
async function charsetOfLines(path: string): Promise<string> {
  const head = await headOf(path);
  const mark = head.length >= 2 ? head.readUInt16BE() : 0;
  if (mark === 0xfffe || mark === 0xfeff) return mark === 0xfffe ? 'utf-16le' : 'utf-16be';
  const lines = splitLines(head).filter((line) => line.some((byte) => byte >= 0x80));
  const others = lines.filter((line) => !isUtf8(line));
  if (2 * others.length <= lines.length) return 'utf-8';
  const decoded = decodePage(Buffer.concat(others.flatMap((line) => [line, Buffer.from('\n')])));
  return isRejection(decoded) ? 'utf-8' : decoded.encoding;
}

async function headOf(path: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of readContent(path)) {
    pieces.push(piece);
    size += piece.length;
    if (size >= SNIFFED_BYTES) break;
  }
  return Buffer.concat(pieces).subarray(0, SNIFFED_BYTES);
}

/** Whole lines only, unless there is no other. */
function splitLines(head: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = head.indexOf(10); end >= 0; end = head.indexOf(10, start)) {
    lines.push(head.subarray(start, end));
    start = end + 1;
  }
  return lines.length === 0 || head.length < SNIFFED_BYTES ? [...lines, head.subarray(start)] : lines;
}

function decodeStrictly(bytes: Uint8Array, encoding: string): string | undefined {
  if (encoding === 'euc-tw') {
    const decoded = decodePage(bytes, encoding);
    return isRejection(decoded) ? undefined : decoded.text;
  }
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

function countLost(text: string): number {
  let lost = 0;
  for (let at = text.indexOf('\uFFFD'); at >= 0; at = text.indexOf('\uFFFD', at + 1)) lost++;
  return lost;
}
