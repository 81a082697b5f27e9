/**
 * What happens to Chinese text between an editor and a crawl, one kind a function of the text and a source of random numbers:
 * code pages by iconv-lite and the platform's decoders, so that nothing of the stage that mends is used to damage.
 */
import iconv from 'iconv-lite';
import { simplecc } from 'simplecc-wasm';

export type Random = () => number;

/**
 * `survives`: the information is still there, so the page has to come back; else it has to be rejected. In part: a decoder that has no
 * place for some characters leaves too little of one page (often a Traditional one) and enough of another.
 */
export interface DamageKind {
  name: string;
  survives: boolean | 'in part';
  damage: (text: string, random: Random) => string;
}

export interface SpamWords {
  phrases: readonly string[];
}

const decode = (bytes: Uint8Array, charset: string) => new TextDecoder(charset).decode(bytes);

/** A = xx becomes xx & 7F wherever the bytes A3 xx stand, even across two characters: what a careless "full to half width" does. */
function narrow(bytes: Uint8Array, only: (byte: number) => boolean): Buffer {
  const out: number[] = [];
  for (let i = 0; i < bytes.length; i++) {
    const next = bytes[i + 1] ?? 0;
    if (bytes[i] === 0xa3 && next >= 0xa1 && next <= 0xfe && only(next)) {
      out.push(next & 0x7f);
      i++;
    } else out.push(bytes[i]!);
  }
  return Buffer.from(out);
}

/** Where A3 xx stands across two characters: what was full-width ASCII itself is left, so that the gold page stays the measure. */
export function placesAcross(bytes: Uint8Array, only: (byte: number) => boolean): number[] {
  const places: number[] = [];
  for (let i = 0; i < bytes.length; ) {
    const [lead, trail, next] = [bytes[i]!, bytes[i + 1] ?? 0, bytes[i + 2] ?? 0];
    const isPair = lead >= 0x81 && i + 1 < bytes.length;
    if (isPair && trail === 0xa3 && next >= 0xa1 && next <= 0xfe && lead !== 0xa3 && only(next)) {
      places.push(i + 1);
      i += 4;
    } else i += isPair ? 2 : 1;
  }
  return places;
}

function narrowAcross(text: string, only: (byte: number) => boolean): Buffer {
  const bytes = iconv.encode(text, 'gbk');
  const places = new Set(placesAcross(bytes, only));
  return Buffer.from(
    bytes.map((byte, at) => (places.has(at - 1) ? byte & 0x7f : byte)).filter((_, at) => !places.has(at)),
  );
}

/** 　 across two characters, as in 啊。: a space takes the place of a trail and a lead. What was a full-width space itself is left. */
function narrowSpaces(text: string): Buffer {
  const bytes = iconv.encode(text, 'gbk');
  const out: number[] = [];
  for (let i = 0; i < bytes.length; ) {
    const [lead, trail, next] = [bytes[i]!, bytes[i + 1] ?? 0, bytes[i + 2] ?? 0];
    if (lead < 0x81) {
      out.push(lead);
      i++;
    } else if (trail === 0xa1 && next === 0xa1 && lead !== 0xa1 && bytes[i + 3] !== 0xa1) {
      out.push(lead, 0x20, bytes[i + 3]!);
      i += 4;
    } else {
      out.push(lead, trail);
      i += 2;
    }
  }
  return Buffer.from(out);
}

/** A decoder that knows GB 2312 alone and shows a question mark for what it does not know. */
function strictDecode(bytes: Buffer): string {
  let text = '';
  for (let i = 0; i < bytes.length; ) {
    const lead = bytes[i]!;
    const trail = bytes[i + 1] ?? 0;
    if (lead < 0x80) {
      text += String.fromCharCode(lead);
      i++;
    } else if (lead >= 0xa1 && trail >= 0xa1) {
      text += decode(bytes.subarray(i, i + 2), 'gbk');
      i += 2;
    } else {
      text += '?';
      i++;
    }
  }
  return text;
}

function dropBytes(bytes: Buffer, random: Random, rate: number): Buffer {
  return Buffer.from(bytes.filter((byte) => byte < 0x80 || random() >= rate));
}

const punctuation = (byte: number) => byte === 0xa1 || byte === 0xbf;
const capital = (byte: number) => byte >= 0xc1 && byte <= 0xda;

const READINGS =
  '的de 一yī 是shì 不bù 了le 在zài 人rén 有yǒu 我wǒ 他tā 這zhè 個gè 們men 中zhōng 來lái 上shàng 大dà 為wéi 和hé 國guó 地dì 到dào 以yǐ 說shuō 時shí 要yào 就jiù 出chū 會huì 可kě 也yě 你nǐ 對duì 生shēng ' +
  '能néng 而ér 子zǐ 那nà 得dé 於yú 著zhe 下xià 自zì 之zhī 年nián 過guò 發fā 後hòu 作zuò 裡lǐ 用yòng 道dào 行xíng 所suǒ 然rán 家jiā 種zhǒng 事shì 成chéng 方fāng 多duō 經jīng 麼me 去qù 法fǎ 學xué 如rú 都dōu 同tóng ' +
  '現xiàn 當dāng 沒méi 動dòng 面miàn 起qǐ 看kàn 定dìng 天tiān 分fēn 還hái 進jìn 好hǎo 小xiǎo 部bù 其qí 些xiē 主zhǔ 樣yàng 理lǐ 心xīn 她tā 本běn 前qián 開kāi 但dàn 因yīn 只zhǐ 從cóng 想xiǎng 實shí 應yīng 設shè 計jì';
const reading = new Map(READINGS.split(' ').map((entry) => [[...entry][0]!, entry.slice(1)]));

export function insertPinyin(
  text: string,
  random: Random,
  rate: number,
  [open, close]: readonly [string, string],
): string {
  return text.replace(/\p{Script=Han}/gu, (character) => {
    const pinyin = reading.get(character);
    return pinyin === undefined || random() >= rate ? character : `${character}${open}${pinyin}${close}`;
  });
}

const toTraditional = (text: string) => simplecc(text, 's2t');

export function references(text: string, random: Random, rate: number, write: (code: number) => string): string {
  return text.replace(/[\u0080-\u{10FFFF}]/gu, (c) => (random() < rate ? write(c.codePointAt(0)!) : c));
}

export function spamLine(words: SpamWords, random: Random, separator: string): string {
  const count = 6 + Math.floor(random() * 14);
  return Array.from({ length: count }, () => words.phrases[Math.floor(random() * words.phrases.length)]!).join(
    separator,
  );
}

const SEPARATORS = ['，', ',', '|', ' ', '_', '、', '-', ''];
const pick = (random: Random) => SEPARATORS[Math.floor(random() * SEPARATORS.length)]!;

/** Each kind alone, then two of them one after the other, then what nobody can mend. */
export function damageKinds(words: SpamWords): DamageKind[] {
  return [...singleKinds(words), ...doubleKinds(words), ...hopelessKinds()];
}

const utf8 = (text: string) => Buffer.from(text);
const gbk = (text: string) => iconv.encode(text, 'gbk');

function singleKinds(words: SpamWords): DamageKind[] {
  return [
    { name: 'references, decimal', survives: true, damage: (t, r) => references(t, r, 1, (c) => `&#${c};`) },
    {
      name: 'references, hex, every tenth',
      survives: true,
      damage: (t, r) => references(t, r, 0.1, (c) => `&#x${c.toString(16)};`),
    },
    {
      name: 'references, escaped twice',
      survives: true,
      damage: (t, r) => references(t, r, 0.5, (c) => `&amp;#${c};`),
    },
    {
      name: 'references, no semicolon',
      survives: true,
      damage: (t) =>
        t.replace(
          /([\u0080-\u{10FFFF}])([0-9a-fA-F;]?)/gu,
          (_, c: string, next: string) => `&#${c.codePointAt(0)}${next === '' ? '' : `;${next}`}`,
        ),
    },
    { name: 'UTF-8 read as GBK', survives: true, damage: (t) => decode(utf8(t), 'gbk') },
    {
      name: 'UTF-8 read as GBK, ? for bad bytes',
      survives: true,
      damage: (t) => decode(utf8(t), 'gbk').replaceAll('\uFFFD', '?'),
    },
    { name: 'UTF-8 read as windows-1252', survives: true, damage: (t) => decode(utf8(t), 'windows-1252') },
    { name: 'UTF-8 read as Latin-1', survives: true, damage: (t) => utf8(t).toString('latin1') },
    { name: 'GBK read as windows-1252', survives: true, damage: (t) => decode(gbk(t), 'windows-1252') },
    { name: 'GBK read as Latin-1', survives: true, damage: (t) => gbk(t).toString('latin1') },
    { name: 'GB 18030 read as Big5', survives: 'in part', damage: (t) => decode(gbk(t), 'big5') },
    { name: 'Big5 read as GBK', survives: true, damage: (t) => decode(iconv.encode(toTraditional(t), 'big5'), 'gbk') },
    {
      name: 'Big5 read as windows-1252',
      survives: true,
      damage: (t) => decode(iconv.encode(toTraditional(t), 'big5'), 'windows-1252'),
    },
    {
      name: 'every third line UTF-8 read as GBK',
      survives: true,
      damage: (t, r) =>
        t
          .split('\n')
          .map((l) => (r() < 1 / 3 ? decode(utf8(l), 'gbk') : l))
          .join('\n'),
    },
    {
      name: 'pinyin, Traditional',
      survives: true,
      damage: (t, r) => insertPinyin(toTraditional(t), r, 0.5, ['(', ')']),
    },
    {
      name: 'pinyin, few, full-width brackets',
      survives: true,
      damage: (t, r) => insertPinyin(toTraditional(t), r, 0.1, ['（', '）']),
    },
    { name: 'narrowed ？！', survives: true, damage: (t) => decode(narrowAcross(t, punctuation), 'gbk') },
    {
      name: 'narrowed ？！, ? for bad bytes',
      survives: 'in part',
      damage: (t) => strictDecode(narrowAcross(t, punctuation)),
    },
    { name: 'narrowed capitals', survives: true, damage: (t) => decode(narrowAcross(t, capital), 'gbk') },
    {
      name: 'narrowed capitals, ? for bad bytes',
      survives: 'in part',
      damage: (t) => strictDecode(narrowAcross(t, capital)),
    },
    {
      name: 'narrowed, all of A3',
      survives: true,
      damage: (t) =>
        decode(
          narrow(gbk(t), () => true),
          'gbk',
        ),
    },
    { name: 'narrowed spaces', survives: true, damage: (t) => decode(narrowSpaces(t), 'gbk') },
    {
      name: 'a byte of 2 000 dropped',
      survives: true,
      damage: (t, r) => decode(dropBytes(gbk(t), r, 1 / 2_000), 'gbk'),
    },
    { name: 'spam line before', survives: true, damage: (t, r) => `${spamLine(words, r, pick(r))}\n${t}` },
    {
      name: 'spam lines after',
      survives: true,
      damage: (t, r) => `${t}\n${spamLine(words, r, pick(r))}\n${spamLine(words, r, pick(r))}`,
    },
    {
      name: 'spam in the first line',
      survives: true,
      damage: (t, r) => `${spamLine(words, r, pick(r))}${r() < 0.5 ? ' ' : ''}${t.trimStart()}`,
    },
    {
      name: 'spam in the last line',
      survives: true,
      damage: (t, r) => `${t.trimEnd()}${r() < 0.5 ? ' ' : ''}${spamLine(words, r, pick(r))}`,
    },
  ];
}

function doubleKinds(words: SpamWords): DamageKind[] {
  return [
    {
      name: 'UTF-8 read as windows-1252 twice',
      survives: true,
      damage: (t) => decode(utf8(decode(utf8(t), 'windows-1252')), 'windows-1252'),
    },
    {
      name: 'narrowed, then Traditional with pinyin',
      survives: 'in part',
      damage: (t, r) => insertPinyin(toTraditional(strictDecode(narrowAcross(t, punctuation))), r, 0.3, ['(', ')']),
    },
    {
      name: 'UTF-8 read as GBK twice',
      survives: 'in part',
      damage: (t) => decode(utf8(decode(utf8(t), 'gbk')), 'gbk'),
    },
    {
      name: 'UTF-8 as Latin-1, that as GBK',
      survives: true,
      damage: (t) => decode(utf8(utf8(t).toString('latin1')), 'gbk'),
    },
    {
      name: 'UTF-8 as windows-1252, references',
      survives: true,
      damage: (t, r) => references(decode(utf8(t), 'windows-1252'), r, 1, (c) => `&#${c};`),
    },
    {
      name: 'references and spam lines after',
      survives: true,
      damage: (t, r) => references(`${t}\n${spamLine(words, r, pick(r))}`, r, 0.5, (c) => `&#${c};`),
    },
    {
      name: 'pinyin and references',
      survives: true,
      damage: (t, r) => references(insertPinyin(toTraditional(t), r, 0.3, ['(', ')']), r, 0.3, (c) => `&#${c};`),
    },
    {
      name: 'pinyin, then UTF-8 as windows-1252',
      survives: true,
      damage: (t, r) => decode(utf8(insertPinyin(toTraditional(t), r, 0.3, ['(', ')'])), 'windows-1252'),
    },
    {
      name: 'spam line before, then UTF-8 as GBK',
      survives: true,
      damage: (t, r) => decode(utf8(`${spamLine(words, r, pick(r))}\n${t}`), 'gbk'),
    },
    {
      name: 'narrowed ？！ and spam lines after',
      survives: true,
      damage: (t, r) => `${decode(narrowAcross(t, punctuation), 'gbk')}\n${spamLine(words, r, pick(r))}`,
    },
    {
      name: 'narrowed ？！, then GBK as Latin-1',
      survives: true,
      damage: (t) => narrowAcross(t, punctuation).toString('latin1'),
    },
    {
      name: 'narrowed ？！, then UTF-8 as windows-1252',
      survives: true,
      damage: (t) => decode(utf8(decode(narrowAcross(t, punctuation), 'gbk')), 'windows-1252'),
    },
  ];
}

function hopelessKinds(): DamageKind[] {
  return [
    { name: 'UTF-8 read as Big5', survives: false, damage: (t) => decode(utf8(t), 'big5') },
    { name: 'GBK read as UTF-8', survives: false, damage: (t) => decode(gbk(t), 'utf-8') },
    {
      name: 'GBK read as UTF-8, that read as GBK',
      survives: false,
      damage: (t) => decode(utf8(decode(gbk(t), 'utf-8')), 'gbk'),
    },
    {
      name: 'every character a question mark',
      survives: false,
      damage: (t) => t.replace(/[\u0080-\u{10FFFF}]/gu, '?'),
    },
    {
      name: 'eighth bit cut off',
      survives: false,
      damage: (t) =>
        Buffer.from(
          gbk(t)
            .map((b) => b & 0x7f)
            .filter((b) => b >= 0x20 || b === 0x0a),
        ).toString('latin1'),
    },
    { name: 'characters shuffled in bytes', survives: false, damage: (t, r) => decode(shuffled(gbk(t), r), 'gbk') },
  ];
}

/** Bytes outside ASCII in random order: characters that no reading explains. */
function shuffled(bytes: Buffer, random: Random): Buffer {
  const out = Buffer.from(bytes);
  const places = [...out.keys()].filter((i) => out[i]! >= 0x80);
  for (let i = places.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const [a, b] = [places[i]!, places[j]!];
    [out[a], out[b]] = [out[b]!, out[a]!];
  }
  return out;
}
