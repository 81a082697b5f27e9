/**
 * Wounds that stolen pages carry several of at once, in the order in which they come about: script, readings, a converter that works
 * on bytes, what a template puts around the article, a wrong charset. damage.ts has each kind alone.
 */
import { simplecc } from 'simplecc-wasm';
import {
  type CarriedByte,
  type Carrier,
  carelesslyDecoded,
  carry,
  decoded,
  gbkBytes,
  insert,
  type Losses,
  lose,
  shownText,
  utf8Bytes,
} from './carried-text.ts';
import { insertPinyin, placesAcross, type Random, references, type SpamWords, spamLine } from './damage.ts';
import { tailLines } from './page-furniture.ts';

/** `gold`: what has to come out. `around`: lines before and after it, none of which may stay. `lost`: places in the gold text. */
export interface Page {
  readonly carriers: readonly Carrier[];
  readonly gold: string;
  readonly around: readonly string[];
  readonly lost: ReadonlySet<number>;
}

/** `harmless`: no damage by itself, so that it shows only beside another. */
export interface Wound {
  readonly name: string;
  readonly harmless?: true;
  readonly inflict: (page: Page, random: Random) => Page;
}

export function undamaged(text: string): Page {
  return { carriers: carry(text), gold: text, around: [], lost: new Set() };
}

type Change = (carriers: readonly Carrier[], random: Random, losses: Losses) => Carrier[];

const onText = (name: string, change: Change): Wound => ({
  name,
  inflict: (page, random) => {
    const lost = new Set(page.lost);
    return { ...page, carriers: change(page.carriers, random, lost), lost };
  },
});

const READING_RATES = [0.05, 0.2, 0.5];
const BRACKETS = [
  ['(', ')'],
  ['（', '）'],
] as const;
const pick = <T>(from: readonly T[], random: Random): T => from[Math.floor(random() * from.length)]!;

export function wounds(words: SpamWords): Wound[] {
  return [
    { name: 'Traditional', harmless: true, inflict: (page) => undamaged(simplecc(page.gold, 's2t')) },
    onText('readings', (carriers, random) => {
      const [rate, brackets] = [pick(READING_RATES, random), pick(BRACKETS, random)];
      return carriers.flatMap((carrier) => {
        const reading = insertPinyin(carrier.shown, random, rate, brackets).slice(carrier.shown.length);
        return [carrier, ...insert(reading)];
      });
    }),
    onText('readings between bytes', (carriers, random, losses) =>
      carelesslyDecoded(withReadings(gbkBytes(carriers, losses), random), losses),
    ),
    onText('narrowed ？！', (carriers, _random, losses) =>
      carelesslyDecoded(narrowed(gbkBytes(carriers, losses)), losses),
    ),
    onText('bytes dropped', (carriers, random, losses) =>
      carelesslyDecoded(withDrops(gbkBytes(carriers, losses), random, losses), losses),
    ),
    onText('end tags eaten', (carriers, random, losses) =>
      withoutTags(carelesslyDecoded(endsCut(carriers, random, losses), losses)),
    ),
    onText('characters lost', (carriers, random, losses) =>
      carriers.map((carrier) => {
        if (!/\p{Script=Han}/u.test(carrier.shown) || random() >= 1 / 400) return carrier;
        lose(losses, [carrier]);
        return { ...carrier, shown: '\uFFFD' };
      }),
    ),
    { name: 'keywords before', inflict: (page, random) => around(page, [keywords(words, random)], []) },
    {
      name: 'keywords after',
      inflict: (page, random) => around(page, [], [keywords(words, random), keywords(words, random)]),
    },
    { name: 'page furniture after', harmless: true, inflict: (page, random) => around(page, [], tailLines(random)) },
    onText('references', (carriers, random) =>
      carriers.flatMap(({ shown, of }) =>
        Array.from(
          references(shown, random, 0.3, (code) => `&#${code};`),
          (part) => ({ shown: part, of }),
        ),
      ),
    ),
    onText('lines UTF-8 as GBK', (carriers, random, losses) =>
      linesOf(carriers)
        .map((line) => (line.length > 0 && random() < 0.3 ? decoded(utf8Bytes(line), 'gbk', losses) : line))
        .flatMap((line, at) => (at > 0 ? [...insert('\n'), ...line] : line)),
    ),
    onText('UTF-8 as windows-1252', (carriers, _random, losses) =>
      decoded(utf8Bytes(carriers), 'windows-1252', losses),
    ),
  ];
}

const SEPARATORS = [',', '，', '|', ' ', '_', '-'];
const keywords = (words: SpamWords, random: Random) => spamLine(words, random, pick(SEPARATORS, random));

function around(page: Page, before: string[], after: string[]): Page {
  const inner = [...page.carriers];
  while (inner.length > 0 && inner[0]!.shown.trim() === '') inner.shift();
  while (inner.length > 0 && inner.at(-1)!.shown.trim() === '') inner.pop();
  const carriers = [
    ...insert(before.map((line) => `${line}\n`).join('')),
    ...inner,
    ...insert(after.map((line) => `\n${line}`).join('')),
  ];
  return { ...page, carriers, around: [...page.around, ...before, ...after] };
}

function linesOf(carriers: readonly Carrier[]): Carrier[][] {
  const lines: Carrier[][] = [[]];
  for (const carrier of carriers) {
    if (carrier.shown === '\n') lines.push([]);
    else lines.at(-1)!.push(carrier);
  }
  return lines;
}

const READINGS =
  'yàn guó lái zhuān qū xùn xué gè lǐng shè jì yīng wéi duì hòu diàn mén jiàn lù cháng huì zhè dào'.split(' ');

/** A spinner that looks for characters in bytes, without minding where they begin: a reading may stand inside one. */
function withReadings(bytes: readonly CarriedByte[], random: Random): CarriedByte[] {
  return bytes.flatMap((byte, at) => {
    if (at === 0 || bytes[at - 1]!.byte < 0x80 || byte.byte < 0x80 || random() > 1 / 160) return [byte];
    return [...gbkBytes(insert(`(${pick(READINGS, random)})`), new Set()), byte];
  });
}

function narrowed(bytes: readonly CarriedByte[]): CarriedByte[] {
  const only = (byte: number) => byte === 0xa1 || byte === 0xbf;
  const places = new Set(
    placesAcross(
      Uint8Array.from(bytes, ({ byte }) => byte),
      only,
    ),
  );
  // The ASCII byte stands for both that it was made of.
  return bytes.flatMap(({ byte, of }, at) => {
    if (places.has(at)) return [];
    return places.has(at - 1) ? [{ byte: byte & 0x7f, of: [...bytes[at - 1]!.of, ...of] }] : [{ byte, of }];
  });
}

function withDrops(bytes: readonly CarriedByte[], random: Random, losses: Losses): CarriedByte[] {
  return bytes.filter((byte) => {
    if (byte.byte < 0x80 || random() > 5e-4) return true;
    lose(losses, [byte]);
    return false;
  });
}

/** Paragraphs with their end tags, at every eighth of which the last byte of the text is lost. */
function endsCut(carriers: readonly Carrier[], random: Random, losses: Losses): CarriedByte[] {
  const tag = gbkBytes(insert('</p>\n'), losses);
  return linesOf(carriers).flatMap((line) => {
    const bytes = gbkBytes(line, losses);
    if (/[。！？”]$/.test(line.at(-1)?.shown ?? '') && random() < 1 / 8) lose(losses, bytes.splice(-1));
    return [...bytes, ...tag];
  });
}

function withoutTags(carriers: readonly Carrier[]): Carrier[] {
  const out: Carrier[] = [];
  for (let at = 0; at < carriers.length; at++) {
    if (shownText(carriers.slice(at, at + 4)) === '</p>') at += 3;
    else out.push(carriers[at]!);
  }
  return out;
}
