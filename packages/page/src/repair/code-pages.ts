/**
 * The two-byte code pages of Chinese text in both directions, and windows-1252: what is needed to take a text back to the
 * bytes that a wrong decoder made it from. The tables are read off the platform's own TextDecoder. It is no general encoder:
 * the four-byte part of GB 18030 is left out, because damaged bytes do not form it.
 *
 * @module @tunan/page/code-pages
 */

export type CodePage = 'gbk' | 'big5' | 'windows-1252';

/** Of one code page: bytes of a unit (lead × 256 + trail, or one byte; 0 where there are none), unit of a pair of bytes. */
export interface CodeTable {
  bytesOf: Uint16Array;
  unitOf: Uint16Array;
}

const tables = new Map<CodePage, CodeTable>();

export function codeTable(page: CodePage): CodeTable {
  let table = tables.get(page);
  if (table === undefined) {
    table = page === 'windows-1252' ? singleBytes() : pairs(page);
    tables.set(page, table);
  }
  return table;
}

function pairs(page: 'gbk' | 'big5'): CodeTable {
  const bytesOf = new Uint16Array(65_536);
  const unitOf = new Uint16Array(65_536);
  const decoder = new TextDecoder(page === 'gbk' ? 'gb18030' : 'big5');
  for (let lead = 0x81; lead <= 0xfe; lead++) {
    for (let trail = 0x40; trail <= 0xfe; trail++) {
      if (trail === 0x7f || trail === 0xff) continue;
      const text = decoder.decode(Uint8Array.of(lead, trail));
      if (text.length !== 1 || text === '\uFFFD') continue;
      const pair = lead * 256 + trail;
      unitOf[pair] = text.charCodeAt(0);
      // Big5 has a few characters twice; the first code is the one in use.
      if (bytesOf[text.charCodeAt(0)] === 0) bytesOf[text.charCodeAt(0)] = pair;
    }
  }
  // Decoders of GBK give the lone byte 0x80 as the euro sign.
  if (page === 'gbk') bytesOf[0x20ac] = 0x80;
  bytesOf[0x80] = 0x80;
  return { bytesOf, unitOf };
}

function singleBytes(): CodeTable {
  const bytesOf = new Uint16Array(65_536);
  const unitOf = new Uint16Array(65_536);
  const decoder = new TextDecoder('windows-1252');
  for (let byte = 0x80; byte <= 0xff; byte++) {
    const unit = decoder.decode(Uint8Array.of(byte)).charCodeAt(0);
    bytesOf[unit] = byte;
    unitOf[byte] = unit;
    // Latin-1 proper keeps the controls that windows-1252 gives to typographic marks.
    bytesOf[byte] = byte;
  }
  return { bytesOf, unitOf };
}

/** A byte that the wrong decoder could not show: U+FFFD, or a question mark beside bytes that are no ASCII. */
export const LOST = -1;
/** A `?` that may be a question mark or a lost byte. */
export const LOST_OR_QUESTION = -2;
/** A unit that the code page cannot have made. */
export const FOREIGN = -3;

/** A text as the bytes of a code page: per byte its value or one of the marks above, and the unit that starts there (0 inside one). */
export interface ByteText {
  bytes: Int16Array;
  units: Uint16Array;
  length: number;
}

export function toBytes(text: string, page: CodePage): ByteText {
  const { bytesOf } = codeTable(page);
  const bytes = new Int16Array(2 * text.length);
  const units = new Uint16Array(2 * text.length);
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const code = bytesOf[unit]!;
    units[n] = unit;
    if (unit === 0x3f) bytes[n++] = LOST_OR_QUESTION;
    else if (unit < 0x80) bytes[n++] = unit;
    else if (unit === 0xfffd) bytes[n++] = LOST;
    else if (code === 0) bytes[n++] = FOREIGN;
    else if (code < 256) bytes[n++] = code;
    else {
      bytes[n++] = code >> 8;
      bytes[n++] = code & 0xff;
    }
  }
  return { bytes, units, length: n };
}
