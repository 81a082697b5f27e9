/**
 * Wounds that stolen pages carry several of at once, in the order in which they come about: script, readings, a converter that works
 * on bytes, what a template puts around the article, a wrong charset. damage.ts has each kind alone.
 */
import iconv from 'iconv-lite';
import { simplecc } from 'simplecc-wasm';
import { insertPinyin, narrowAcross, type Random, references, type SpamWords, spamLine } from './damage.ts';
import { tailLines } from './page-furniture.ts';

/** `gold`: what has to come out. `around`: lines before and after it, none of which may stay. */
export type Page = { text: string; gold: string; around: readonly string[] };
/** `harmless`: no damage by itself, so that it shows only beside another. */
export type Wound = { name: string; harmless?: true; inflict: (page: Page, random: Random) => Page };

const onText = (name: string, change: (text: string, random: Random) => string): Wound => ({
  name,
  inflict: (page, random) => ({ ...page, text: change(page.text, random) }),
});

const READING_RATES = [0.05, 0.2, 0.5];
const BRACKETS = [
  ['(', ')'],
  ['（', '）'],
] as const;
const pick = <T>(from: readonly T[], random: Random): T => from[Math.floor(random() * from.length)]!;

export function wounds(words: SpamWords): Wound[] {
  return [
    {
      name: 'Traditional',
      harmless: true,
      inflict: (page) => ({ ...page, text: simplecc(page.text, 's2t'), gold: simplecc(page.gold, 's2t') }),
    },
    onText('readings', (t, r) => insertPinyin(t, r, pick(READING_RATES, r), pick(BRACKETS, r))),
    onText('readings between bytes', (t, r) => shown(withReadings(iconv.encode(t, 'gbk'), r))),
    onText('narrowed ？！', (t) => shown(narrowAcross(t, (byte) => byte === 0xa1 || byte === 0xbf))),
    onText('bytes dropped', (t, r) => shown(Buffer.from(iconv.encode(t, 'gbk').filter((b) => b < 0x80 || r() > 5e-4)))),
    onText('end tags eaten', (t, r) => withoutTags(shown(endsCut(t, r)))),
    onText('characters lost', (t, r) => t.replace(/\p{Script=Han}/gu, (c) => (r() < 1 / 400 ? '\uFFFD' : c))),
    { name: 'keywords before', inflict: (page, r) => around(page, [keywords(words, r)], []) },
    { name: 'keywords after', inflict: (page, r) => around(page, [], [keywords(words, r), keywords(words, r)]) },
    { name: 'page furniture after', harmless: true, inflict: (page, r) => around(page, [], tailLines(r)) },
    onText('references', (t, r) => references(t, r, 0.3, (code) => `&#${code};`)),
    onText('lines UTF-8 as GBK', (t, r) => {
      const wrong = (line: string) => new TextDecoder('gbk').decode(Buffer.from(line));
      return t.replace(/[^\n]+/g, (line) => (r() < 0.3 ? wrong(line) : line));
    }),
    onText('UTF-8 as windows-1252', (t) => new TextDecoder('windows-1252').decode(Buffer.from(t))),
  ];
}

const SEPARATORS = [',', '，', '|', ' ', '_', '-'];
const keywords = (words: SpamWords, random: Random) => spamLine(words, random, pick(SEPARATORS, random));

function around(page: Page, before: string[], after: string[]): Page {
  const text = [...before, page.text.trim(), ...after].join('\n');
  return { ...page, text, around: [...page.around, ...before, ...after] };
}

/** ASCII that decoders of bad pairs ate together with the lead before it: the first of a bracket, a tag, four bytes of GB 18030. */
const EATEN = '(<0123456789';

/** One mark for a pair that is none. */
function shown(bytes: Buffer): string {
  const decoder = new TextDecoder('gbk');
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const [lead, trail] = [bytes[at]!, bytes[at + 1] ?? 0x0a];
    if (lead <= 0x80) text += lead === 0x80 ? '€' : String.fromCharCode(lead);
    else text += trail >= 0x40 ? decoder.decode(bytes.subarray(at, at + 2)).slice(0, 1) : '?';
    at += lead > 0x80 && (trail >= 0x40 || EATEN.includes(String.fromCharCode(trail))) ? 2 : 1;
  }
  return text;
}

const READINGS =
  'yàn guó lái zhuān qū xùn xué gè lǐng shè jì yīng wéi duì hòu diàn mén jiàn lù cháng huì zhè dào'.split(' ');

/** A spinner that looks for characters in bytes, without minding where they begin: a reading may stand inside one. */
function withReadings(bytes: Buffer, random: Random): Buffer {
  const out: Buffer[] = [];
  let start = 0;
  for (let at = 1; at < bytes.length; at++) {
    if (bytes[at - 1]! < 0x80 || bytes[at]! < 0x80 || random() > 1 / 160) continue;
    out.push(bytes.subarray(start, at), iconv.encode(`(${pick(READINGS, random)})`, 'gbk'));
    start = at;
  }
  return Buffer.concat([...out, bytes.subarray(start)]);
}

/** Paragraphs with their end tags, at every eighth of which the last byte of the text is lost. */
function endsCut(text: string, random: Random): Buffer {
  const lines = text.split('\n').map((line) => {
    const bytes = iconv.encode(line, 'gbk');
    const isCut = /[。！？”]$/.test(line) && random() < 1 / 8;
    return Buffer.concat([bytes.subarray(0, isCut ? -1 : bytes.length), Buffer.from('</p>\n')]);
  });
  return Buffer.concat(lines);
}

function withoutTags(text: string): string {
  return text.replaceAll('</p>', '');
}
