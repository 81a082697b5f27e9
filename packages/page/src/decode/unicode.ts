/** The forms of Unicode beside UTF-8: UTF-16 and UTF-32 with a mark or without one, and surrogates that were written as UTF-8 (CESU-8). */
import { bitsOutsideAscii } from './detect-charset.ts';

export type WideCharset = 'utf-16le' | 'utf-16be' | 'utf-32le' | 'utf-32be';

const SAMPLE_BYTES = 2_048;
/** Text is printable ASCII and likely Chinese; of bytes that are something else not a third is. */
const LEAST_SHARE = 0.8;
const LARGEST_BITS = 14.5;

/** By the mark, else by what the bytes give: a tag's ASCII or likely Chinese. */
export function wideCharset(bytes: Uint8Array): WideCharset | undefined {
  const [a, b, c, d] = bytes;
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? 'utf-32le' : 'utf-16le';
  if (a === 0xfe && b === 0xff) return 'utf-16be';
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return 'utf-32be';
  const sample = bytes.subarray(0, SAMPLE_BYTES);
  for (const charset of ['utf-16le', 'utf-16be', 'utf-32le', 'utf-32be'] as const) {
    if (isText(decodeWide(charset, sample.subarray(0, sample.length & ~3)))) return charset;
  }
  return undefined;
}

export function decodeWide(charset: WideCharset, bytes: Uint8Array): string {
  if (charset === 'utf-16le' || charset === 'utf-16be') return new TextDecoder(charset).decode(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength & ~3);
  let text = '';
  for (let at = 0; at < view.byteLength; at += 4) {
    const code = view.getUint32(at, charset === 'utf-32le');
    if (code === 0xfeff && at === 0) continue;
    text += code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '\uFFFD';
  }
  return text;
}

function isText(text: string): boolean {
  let plain = 0;
  let likely = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if ((unit >= 0x20 && unit < 0x7f) || unit === 0x09 || unit === 0x0a || unit === 0x0d) plain++;
    else if ((unit >= 0x3000 && unit <= 0x9fff) || (unit >= 0xff00 && unit <= 0xffef) || (unit & 0xff00) === 0x2000)
      likely++;
  }
  if (text.length < 4 || plain + likely < LEAST_SHARE * text.length) return false;
  return plain > likely || bitsOutsideAscii(text).bits <= LARGEST_BITS;
}

/** UTF-8 whose characters beyond the basic plane were written as two surrogates of three bytes, as Java and Oracle do. */
export function decodeUtf8(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  return text.includes('\uFFFD') ? new TextDecoder().decode(joinedSurrogates(bytes)) : text;
}

function joinedSurrogates(bytes: Uint8Array): Uint8Array {
  const out = Uint8Array.from(bytes);
  let n = 0;
  for (let at = 0; at < bytes.length; ) {
    const high = surrogateAt(bytes, at);
    const low = high >= 0xd800 && high < 0xdc00 ? surrogateAt(bytes, at + 3) : 0;
    if (low < 0xdc00) {
      out[n++] = bytes[at++]!;
      continue;
    }
    const joined = Buffer.from(String.fromCharCode(high, low));
    out.set(joined, n);
    n += joined.length;
    at += 6;
  }
  return out.subarray(0, n);
}

/** The surrogate that three bytes stand for; 0 where they do not. */
function surrogateAt(bytes: Uint8Array, at: number): number {
  const [lead, middle, last] = [bytes[at], bytes[at + 1] ?? 0, bytes[at + 2] ?? 0];
  if (lead !== 0xed || middle < 0xa0 || middle > 0xbf || (last & 0xc0) !== 0x80) return 0;
  return 0xd000 | ((middle & 0x3f) << 6) | (last & 0x3f);
}
