/**
 * The charset of a Chinese page from its bytes. UTF-8 is known by its structure; among the double-byte charsets, which
 * share most of their byte pairs, the one wins under which the text consists of common characters.
 *
 * What a server or page declares only decides where the bytes leave it open. Charsets of other languages are not told
 * apart: they come back as undefined.
 */
import { decodeEucTw } from './euc-tw.ts';

export type ChineseCharset = 'utf-8' | 'gb18030' | 'big5' | 'euc-tw' | 'utf-16le' | 'utf-16be';

/**
 * The most frequent characters of modern Simplified and Traditional text, about 62 % of either. Under a wrong charset
 * less than 8 % of the characters are among them.
 */
const COMMON = new Set(
  '的一是人第有用在以不和个行了可中会你法章应这定为我上条大能发者当时理务要文本作到机业国工下规生地十对件动政管出来设关方新使开部或更们民其公成程自提就' +
    '多内建他家学服主过门如市实分面等年经全保于所通后事制进间单二员它水区现安三并得产物很体数好位合化同器及网还果入电将也点加之系信性由最日前目施品资' +
    '都房天高技重代看供统据需车小处常容级种任计与道情些户没接运交手标量相式但责项说置构表照意查科护专令么度而力源期场五具图题子持府四权解名因改里活从' +
    '费外利收请正明报问知比店月准例然元次术展装让无包命款依创示向取选议样价组教支息只特按國為於後時學軍會與發西南北區斯東來世個對這經戰被立並動海亞開' +
    '美爾長內此統德業共過現機馬進州城稱至將聯羅產間治當球拉平電體山克華王島界權種帝義總關史朝原灣約兩數議基古著設路省院領士員紀心族從語達起則臺布黨尼' +
    '隊車金英阿運河各江始縣星受口港場直實蘭賽組選認土流台們濟林書傳萬首',
);

/** Enough characters for a clear answer; a page is not decoded three times for it. */
const SAMPLE_BYTES = 8_192;

/** Right charsets reach about 0.6, wrong ones stay below 0.1. */
const LEAST_SCORE = 0.2;

/** Moves an answer only where there are too few characters to tell. */
const DECLARED_BONUS = 0.12;

export function detectCharset(bytes: Uint8Array, declared: string | undefined): ChineseCharset | undefined {
  const marked = byteOrderMark(bytes) ?? wideCharset(bytes);
  if (marked !== undefined) return marked;
  if (isNearlyUtf8(bytes)) return 'utf-8';
  const sample = sampleOf(bytes);
  let best: ChineseCharset | undefined;
  let bestScore = LEAST_SCORE;
  for (const charset of ['gb18030', 'big5', 'euc-tw'] as const) {
    const text = charset === 'euc-tw' ? decodeEucTw(sample) : new TextDecoder(charset).decode(sample);
    const score = commonShare(text) + (charset === chineseLabel(declared) ? DECLARED_BONUS : 0);
    if (score > bestScore) {
      best = charset;
      bestScore = score;
    }
  }
  return best;
}

/** The Chinese charset that a declared name stands for. */
export function chineseLabel(declared: string | undefined): ChineseCharset | undefined {
  const name = declared?.toLowerCase() ?? '';
  if (/^(gb_?2312|gb_?2312-80|gbk|gb18030|x-gbk|euc-?cn|cp936|ms936|windows-936|hz-gb-2312)/.test(name))
    return 'gb18030';
  if (/^(big-?5|cn-big5|x-x-big5|cp950|ms950)/.test(name)) return 'big5';
  if (/^(x-)?euc-?tw/.test(name)) return 'euc-tw';
  return undefined;
}

function byteOrderMark(bytes: Uint8Array): ChineseCharset | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return undefined;
}

/** UTF-16 without a mark: markup is ASCII, so that every second byte of its tags is 0. */
function wideCharset(bytes: Uint8Array): ChineseCharset | undefined {
  const end = Math.min(bytes.length & ~1, 512);
  let even = 0;
  let odd = 0;
  for (let i = 0; i < end; i += 2) {
    if (bytes[i] === 0) even++;
    if (bytes[i + 1] === 0) odd++;
  }
  if (end < 8 || Math.max(even, odd) < end * 0.15 || Math.min(even, odd) > end * 0.02) return undefined;
  return odd > even ? 'utf-16le' : 'utf-16be';
}

/**
 * UTF-8, a cut last character or single damaged ones included: text of a double-byte charset breaks the structure at
 * almost every character.
 */
function isNearlyUtf8(bytes: Uint8Array): boolean {
  let whole = 0;
  let broken = 0;
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i]!;
    if (lead < 0x80) {
      i++;
      continue;
    }
    const length = lead >= 0xf0 && lead < 0xf5 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
    let k = 1;
    while (k < length && (bytes[i + k]! & 0xc0) === 0x80) k++;
    if (length > 0 && lead < 0xf5 && k === length) whole += length > 2 ? 1 : 0.5;
    else if (i + k < bytes.length || whole === 0) broken++;
    i += k;
  }
  return broken === 0 || whole >= 3 * broken;
}

/** Stretches that hold double-byte text. Bytes below 0x30 are never part of a character, so a stretch ends there. */
function sampleOf(bytes: Uint8Array): Uint8Array {
  const sample = new Uint8Array(SAMPLE_BYTES);
  let n = 0;
  let start = 0;
  let high = false;
  for (let i = 0; i <= bytes.length && n < SAMPLE_BYTES; i++) {
    const byte = i < bytes.length ? bytes[i]! : 0;
    if (byte >= 0x30) {
      if (byte >= 0x80) high = true;
      continue;
    }
    if (high) {
      const stretch = bytes.subarray(start, Math.min(i, start + SAMPLE_BYTES - n));
      sample.set(stretch, n);
      n += stretch.length;
      if (n < SAMPLE_BYTES) sample[n++] = 0x0a;
    }
    start = i + 1;
    high = false;
  }
  return sample.subarray(0, n);
}

/** Common characters among all that are not ASCII, damage counted against it; punctuation and kana are left out. */
function commonShare(text: string): number {
  let common = 0;
  let all = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80 || (code >= 0x2000 && code < 0x3100) || code >= 0xff00) {
      if (code === 0xfffd) all += 2;
      continue;
    }
    all++;
    if (code >= 0x4e00 && code <= 0x9fff && COMMON.has(text[i]!)) common++;
  }
  return all === 0 ? 0 : common / all;
}
