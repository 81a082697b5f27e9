/**
 * Stage «decode»: the bytes of a page → its text. The charset is found from the bytes; what server and page declare is
 * kept beside it and decides only where the bytes leave it open.
 *
 * Binary files and charsets that cannot be told are rejected. Damage inside a page stays in the text as U+FFFD for
 * stage `repair` to judge.
 */
import { isUtf8 } from 'node:buffer';
import type { Rejection } from '../../document.ts';
import { chineseLabel, detectCharset } from './detect-charset.ts';
import { decodeEucTw } from './euc-tw.ts';

export type DecodedPage = {
  text: string;
  /** `utf-8`, `gb18030` (GB2312 and GBK are its parts), `big5`, `euc-tw`, `utf-16le`, `utf-16be`, or what was declared. */
  encoding: string;
  /** What the server, else the page itself, declared. */
  declared?: string;
};

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

export function decodePage(bytes: Uint8Array, declared?: string): DecodedPage | Rejection {
  if (bytes.length === 0) return { reason: 'empty' };
  if (bytes.length > MOST_PAGE_BYTES) return { reason: 'page-too-large' };
  if (isKnownBinary(bytes)) return { reason: 'binary' };
  const label = declared?.trim() || declarationIn(bytes);
  const encoding = isUtf8(bytes) && !bytes.subarray(0, 512).includes(0) ? 'utf-8' : detectCharset(bytes, label);
  if (!encoding?.startsWith('utf-16') && controlShare(bytes) > 0.005) return { reason: 'binary' };
  const text = encoding === undefined ? undefined : decodeAs(encoding, bytes);
  if (text !== undefined) return { text, encoding: encoding!, ...(label ? { declared: label } : {}) };
  return foreign(bytes, label) ?? { reason: 'unknown-charset' };
}

function decodeAs(encoding: string, bytes: Uint8Array): string {
  return encoding === 'euc-tw' ? decodeEucTw(bytes) : new TextDecoder(encoding).decode(bytes);
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
