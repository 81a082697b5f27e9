/**
 * Stage «decode»: the bytes of a page → its text. The charset is found from the bytes; what server and page declare is
 * kept beside it and decides only where the bytes leave it open.
 *
 * Binary files and charsets that cannot be told are rejected. Damage inside a page stays in the text as U+FFFD for
 * stage `repair` to judge.
 */
import { isUtf8 } from 'node:buffer';
import type { Rejection } from '../rejection.ts';
import { bitsOutsideAscii, chineseLabel, type Detected, decodeAs, detectCharset } from './detect-charset.ts';
import { decodeUtf8, decodeWide, wideCharset } from './unicode.ts';

export interface DecodedPage {
  text: string;
  /**
   * `utf-8`, `gb18030` (GB2312 and GBK are its parts), `big5` (with Hong Kong's characters), `euc-tw`, `hz-gb-2312`, `utf-16le`,
   * `utf-16be`, `utf-32le`, `utf-32be`, or what was declared. Of two in one page the one of the larger part.
   */
  encoding: string;
  /** What the server, else the page itself, declared. */
  declared?: string;
}

/** No page of text is as large; whoever sends more is not asking to be read. */
export const MOST_PAGE_BYTES = 32 * 1024 * 1024;

/** Where a charset declaration of the page is looked for, as browsers do (they stop at 1 024). */
const DECLARATION_BYTES = 4_096;

/** First bytes of files that are no text: PDF, zip, PNG, GIF, JPEG, gzip, RIFF, web fonts, MP3, RAR, 7z, zstd, ELF. */
const SIGNATURES = [
  '25504446',
  '504b0304',
  '89504e47',
  '47494638',
  'ffd8ff',
  '1f8b08',
  '52494646',
  '774f4646',
  '774f4632',
].concat(['494433', '52617221', '377abcaf', '28b52ffd', '7f454c46']);

/** More control characters than this share are a binary file. */
const MOST_CONTROLS = 0.005;
/** A stretch is of the other charset where that reading is likelier by so many bits. */
const PASTED_BITS = 12;
const HZ_RUN = /~\{((?:[!-}][!-~])+)(?:~\}|(?=[\r\n]|$))/g;
/** So many runs are no accident of a program that prints tildes and braces. */
const LEAST_HZ_RUNS = 3;

/**
 * Finds the characters of a page or text file. Never throws on what the bytes hold.
 *
 * @param bytes the page as it was fetched, unpacked (a gzip file counts as binary), at most `MOST_PAGE_BYTES` long
 * @param declared what the server said: the charset of its Content-Type header; what the page itself declares is read from the bytes
 * @returns the text and its charset; or a rejection: `empty`, `page-too-large`, `binary`, `unknown-charset`
 *
 * @example
 * const decoded = decodePage(await readFile('page.html'));
 * if (!isRejection(decoded)) console.log(decoded.encoding, decoded.text.length);
 */
export function decodePage(bytes: Uint8Array, declared?: string): DecodedPage | Rejection {
  if (bytes.length === 0) return { reason: 'empty' };
  if (bytes.length > MOST_PAGE_BYTES) return { reason: 'page-too-large' };
  if (isKnownBinary(bytes)) return { reason: 'binary' };
  const label = declared?.trim() || declarationIn(bytes);
  const found = decoded(bytes, label);
  if (found === undefined) return foreign(bytes, label) ?? { reason: 'unknown-charset' };
  if ('reason' in found) return found;
  return { text: found.text.replace(/^\uFEFF+/, ''), encoding: found.encoding, ...(label ? { declared: label } : {}) };
}

/** Undefined where the bytes are text of no charset that is known from them. */
function decoded(bytes: Uint8Array, label: string | undefined): DecodedPage | Rejection | undefined {
  const isWhole = isUtf8(bytes);
  const controls = controlShare(bytes);
  if (controls > 0 && !(isWhole && controls <= MOST_CONTROLS)) {
    const wide = wideCharset(bytes);
    if (wide !== undefined) return { text: decodeWide(wide, bytes), encoding: wide };
  }
  if (controls > MOST_CONTROLS) return { reason: 'binary' };
  if (isWhole) return decodedHz(bytes, label) ?? { text: new TextDecoder().decode(bytes), encoding: 'utf-8' };
  const unmarked = isMarked(bytes) ? bytes.subarray(3) : bytes;
  const found = detectCharset(unmarked, label);
  return found === undefined ? undefined : { text: decodeDetected(unmarked, found), encoding: found.base };
}

/** A mark of UTF-8 is no proof: editors put one before GBK. */
function isMarked(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

function decodeDetected(bytes: Uint8Array, { base, other, stretches }: Detected): string {
  if (other === undefined) return base === 'utf-8' ? decodeUtf8(bytes) : decodeAs(base, bytes);
  let text = '';
  let end = 0;
  for (const stretch of stretches) {
    const part = bytes.subarray(stretch.start, stretch.end);
    const [own, foreign] = [decodeAs(base, part), decodeAs(other, part)];
    text += latin1(bytes.subarray(end, stretch.start));
    text += bitsOf(foreign) + PASTED_BITS < bitsOf(own) ? foreign : own;
    end = stretch.end;
  }
  return text + latin1(bytes.subarray(end));
}

function bitsOf(text: string): number {
  const { bits, characters } = bitsOutsideAscii(text);
  return bits * characters;
}

/** HZ: GB 2312 in seven bits between ~{ and ~}, as mail and news once wrote it. */
function decodedHz(bytes: Uint8Array, label: string | undefined): DecodedPage | undefined {
  if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf('~{') < 0) return undefined;
  const declared = /^hz/i.test(label ?? '');
  const text = latin1(bytes);
  const runs = text.match(HZ_RUN)?.length ?? 0;
  if (runs === 0 || (!declared && runs < LEAST_HZ_RUNS) || /[^\0-\x7f]/.test(text)) return undefined;
  const decoder = new TextDecoder('gb18030');
  const chinese = text.replace(HZ_RUN, (_, pairs: string) =>
    decoder.decode(Uint8Array.from(pairs, (character) => character.charCodeAt(0) | 0x80)),
  );
  return { text: chinese.replaceAll('~~', '~'), encoding: 'hz-gb-2312' };
}

/** A page in another language, read as it asks to be; later stages reject it by its language. */
function foreign(bytes: Uint8Array, label: string | undefined): DecodedPage | undefined {
  if (label === undefined || /^utf/i.test(label) || chineseLabel(label) !== undefined) return undefined;
  try {
    const decoder = new TextDecoder(label);
    return { text: decoder.decode(bytes), encoding: decoder.encoding, declared: label };
  } catch (error) {
    // RangeError: no charset of that name.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** `<meta charset=…>`, `<meta … content="text/html; charset=…">` or `<?xml encoding=…?>`. */
function declarationIn(bytes: Uint8Array): string | undefined {
  const head = latin1(bytes.subarray(0, DECLARATION_BYTES));
  return (/<meta[^>]{0,400}?charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(head) ??
    /^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']\s*([\w.:-]+)/i.exec(head))?.[1];
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function isKnownBinary(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, 4)).toString('hex');
  return SIGNATURES.some((signature) => start.startsWith(signature));
}

/** Control characters that no text has, among the first 64 KB. */
function controlShare(bytes: Uint8Array): number {
  const end = Math.min(bytes.length, 65_536);
  let n = 0;
  for (let i = 0; i < end; i++) {
    const byte = bytes[i]!;
    if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d && byte !== 0x0c && byte !== 0x1b) n++;
  }
  return n / end;
}
