/**
 * The charset of a Chinese page from its bytes. UTF-8 is known by its structure, UTF-16 and UTF-32 by their zeros; among the
 * double-byte charsets, which share most of their byte pairs, the one wins under which the text is likely Chinese.
 *
 * What a server or page declares only decides where the bytes leave it open: in a few words, or among rare characters. Charsets
 * of other languages are not told apart: they come back as undefined.
 */
import { bitsAfter } from '../repair/character-model.ts';
import { decodeBig5 } from './big5.ts';
import { decodeEucTw } from './euc-tw.ts';
import { type Stretch, stretchesOf } from './stretches.ts';

export type DoubleByteCharset = 'gb18030' | 'big5' | 'euc-tw';
export type ChineseCharset = 'utf-8' | DoubleByteCharset;

/** `base`: the charset of the page, or of the larger part of it; `other`: that of stretches that were pasted in unconverted. */
export interface Detected {
  base: ChineseCharset;
  other?: ChineseCharset;
  stretches: readonly Stretch[];
}

/** Enough characters for a clear answer; a page is not decoded three times for it. */
const SAMPLE_BYTES = 3_072;

/** Bits a character of likely Chinese, old verse and names included; under a wrong charset one text in a thousand comes below. */
const LARGEST_BITS = 14.5;
/** … of a text of rare characters that has the marks of its charset. */
const LARGEST_BITS_MARKED = 18;
/** Full-width commas and full stops among the characters: other charsets have other bytes for them. */
const LEAST_MARKS = 0.06;
const MARKS = /[，。、；：？！]/g;
/** The second best reading is dearer by this; between right and wrong lie ten bits. */
const LEAST_LEAD = 2;
/** What a declaration is worth in bits, over the whole text and for one character at most. */
const DECLARED = { text: 60, character: 4 };
/** Kana is frequent under no Chinese charset; EUC-JP has it where GB 2312 does. */
const KANA_BITS = 20;

/** The charset or charsets of bytes that are not wholly UTF-8. */
export function detectCharset(bytes: Uint8Array, declared: string | undefined): Detected | undefined {
  const stretches = stretchesOf(bytes);
  let whole = 0;
  let broken = 0;
  let pasted = 0;
  for (const stretch of stretches) {
    whole += stretch.whole;
    broken += stretch.broken;
    if (stretch.kind === 'utf-8') pasted += stretch.whole;
  }
  const isNearlyUtf8 = broken === 0 || whole >= 3 * broken;
  const others = stretches.filter(({ kind }) => kind !== 'utf-8');
  const charset = doubleByteCharset(sampleOf(bytes, others), isNearlyUtf8 ? undefined : chineseLabel(declared));
  if (charset === undefined || (isNearlyUtf8 && pasted > 0 && !others.some(({ kind }) => kind === 'other'))) {
    return isNearlyUtf8 ? { base: 'utf-8', stretches } : undefined;
  }
  if (pasted === 0) return { base: charset, stretches };
  const rest = others.reduce((sum, { start, end }) => sum + (end - start), 0) / 2;
  return pasted > rest ? { base: 'utf-8', other: charset, stretches } : { base: charset, other: 'utf-8', stretches };
}

export function decodeAs(charset: ChineseCharset, bytes: Uint8Array): string {
  if (charset === 'euc-tw') return decodeEucTw(bytes);
  return charset === 'big5' ? decodeBig5(bytes) : new TextDecoder(charset).decode(bytes);
}

function doubleByteCharset(sample: Uint8Array, label: DoubleByteCharset | undefined): DoubleByteCharset | undefined {
  const readings = (['gb18030', 'big5', 'euc-tw'] as const).map((charset) => {
    const text = decodeAs(charset, sample);
    const { bits, characters } = bitsOutsideAscii(text);
    const worth = charset === label ? Math.min(DECLARED.character, DECLARED.text / characters) : 0;
    const isMarked = bits > LARGEST_BITS && (text.match(MARKS)?.length ?? 0) >= LEAST_MARKS * characters;
    const isLikely = bits <= (isMarked ? LARGEST_BITS_MARKED : LARGEST_BITS);
    return { charset, isLikely, isSound: !text.includes('\uFFFD'), price: bits - worth };
  });
  const [best, second] = readings.toSorted((a, b) => a.price - b.price) as [(typeof readings)[0], (typeof readings)[0]];
  if (best.isLikely && second.price - best.price >= LEAST_LEAD) return best.charset;
  // Rare names: nothing speaks for what is declared, but nothing against it.
  return readings.find(({ charset, isSound }) => charset === label && isSound)?.charset;
}

/** Mean of the characters that are not ASCII. */
export function bitsOutsideAscii(text: string): { bits: number; characters: number } {
  let bits = 0;
  let characters = 0;
  let previous = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) {
      bits += unit >= 0x3041 && unit <= 0x30ff ? KANA_BITS : bitsAfter(previous, unit);
      characters++;
    }
    previous = unit;
  }
  return { bits: characters === 0 ? Number.POSITIVE_INFINITY : bits / characters, characters };
}

/** The double-byte charset that a declared name stands for. */
export function chineseLabel(declared: string | undefined): DoubleByteCharset | undefined {
  const name = declared?.toLowerCase() ?? '';
  if (/^(gb_?2312|gb_?2312-80|gbk|gb18030|x-gbk|euc-?cn|cp936|ms936|windows-936)/.test(name)) return 'gb18030';
  if (/^(big-?5|cn-big5|x-x-big5|cp950|ms950)/.test(name)) return 'big5';
  if (/^(x-)?euc-?tw/.test(name)) return 'euc-tw';
  return undefined;
}

/** The first stretches, parted by line ends. */
function sampleOf(bytes: Uint8Array, stretches: readonly Stretch[]): Uint8Array {
  const sample = new Uint8Array(SAMPLE_BYTES);
  let n = 0;
  for (const { start, end } of stretches) {
    const stretch = bytes.subarray(start, Math.min(end, start + SAMPLE_BYTES - n));
    sample.set(stretch, n);
    n += stretch.length;
    if (n >= SAMPLE_BYTES) break;
    sample[n++] = 0x0a;
  }
  return sample.subarray(0, n);
}
