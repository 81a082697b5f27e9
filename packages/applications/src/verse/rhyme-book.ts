/**
 * Tones and rhymes of characters by a rhyme book: 平水韵, the 106 rhymes of 1252 by which regulated verse was written; the wider rhymes of ci (词韵),
 * which put those together after 戈载, 词林正韵 (1821); or 中华新韵, the 14 rhymes of today's readings (2005), whose table here has Simplified
 * characters alone.
 *
 * A character with several readings has all of them: which one is meant is for readers, and so a check takes the reading that fits. One that
 * the book does not have is unknown: its tone fits anywhere, its rhyme nowhere.
 */
import type { RhymeBook as RhymeBookName } from '@tunan/protocol';
import { SUPPLEMENT } from './supplement.ts';
import { NEW_RHYMES } from './tables/new-rhymes.ts';
import { PINGSHUI } from './tables/pingshui.ts';

/** Of a place in a line: 平, 仄. */
export type Tone = 'level' | 'oblique';

export const TONE_NAMES: Readonly<Record<Tone, { readonly zh: string; readonly en: string }>> = {
  level: { zh: '平', en: 'level' },
  oblique: { zh: '仄', en: 'oblique' },
};

export interface Rhyme {
  readonly name: string;
  readonly tone: Tone;
  readonly characters: ReadonlySet<string>;
}

export class RhymeBook {
  readonly name: { readonly zh: string; readonly en: string };
  readonly #rhymes: readonly Rhyme[];
  readonly #tones = new Map<string, Set<Tone>>();
  readonly #rhymesOf = new Map<string, Rhyme[]>();

  constructor(name: RhymeBook['name'], rhymes: readonly Rhyme[]) {
    this.name = name;
    this.#rhymes = rhymes;
    for (const rhyme of rhymes) {
      for (const character of rhyme.characters) {
        const tones = this.#tones.get(character) ?? new Set();
        this.#tones.set(character, tones.add(rhyme.tone));
        this.#rhymesOf.set(character, [...(this.#rhymesOf.get(character) ?? []), rhyme]);
      }
    }
  }

  /** All that are read so. */
  rhymes(tone: Tone): readonly Rhyme[] {
    return this.#rhymes.filter((rhyme) => rhyme.tone === tone);
  }

  /** Whether a character can be read so; true for one that the book does not have. */
  fits(character: string, tone: Tone): boolean {
    return this.#tones.get(character)?.has(tone) ?? true;
  }

  /** The only tone of a character; undefined where it has both, or is not in the book. */
  toneOf(character: string): Tone | undefined {
    const tones = this.#tones.get(character);
    return tones?.size === 1 ? [...tones][0] : undefined;
  }

  knows(character: string): boolean {
    return this.#tones.has(character);
  }

  /** The rhymes that a character has where it is read so. */
  rhymesOf(character: string, tone: Tone): readonly Rhyme[] {
    return this.#rhymesOf.get(character)?.filter((rhyme) => rhyme.tone === tone) ?? [];
  }

  /** Characters that are always read so: nobody has to know which reading is meant. */
  always(tone: Tone): string[] {
    return [...this.#tones].filter(([, tones]) => tones.size === 1 && tones.has(tone)).map(([character]) => character);
  }

  get characters(): string[] {
    return [...this.#tones.keys()];
  }
}

/** Rhymes that stand beside each other: the first line may take one that stands beside the poem's (借邻韵). */
const NEIGHBOURS = [
  ['一东', '二冬'],
  ['三江', '七阳'],
  ['四支', '五微', '八齐', '九佳', '十灰'],
  ['六鱼', '七虞'],
  ['十一真', '十二文', '十三元'],
  ['十三元', '十四寒', '十五删', '一先'],
  ['二萧', '三肴', '四豪'],
  ['九佳', '六麻'],
  ['八庚', '九青', '十蒸'],
  ['十三覃', '十四盐', '十五咸'],
];

/** Whether two rhymes are the same, or stand beside each other. */
export function areNeighbours(one: Rhyme, other: Rhyme): boolean {
  return one === other || NEIGHBOURS.some((group) => group.includes(one.name) && group.includes(other.name));
}

type Row = readonly [string, string, string];

const rhymeOf = ([name, tone, characters]: Row, more = ''): Rhyme => ({
  name,
  tone: tone === 'level' ? 'level' : 'oblique',
  characters: new Set(characters + more),
});

/**
 * The rhymes of ci, by the rhymes of 1252 of which each is made: level ones, those in the rising and departing tones, or entering ones. A rhyme
 * that ci divides between two stands in both, undivided, so that a check is wider there than the book, and nothing is imposed of it.
 */
const CI: readonly (readonly [name: string, level: string, oblique: string])[] = [
  ['第一部', '一东 二冬', '一董 二肿 一送 二宋'],
  ['第二部', '三江 七阳', '三讲 二十二养 三绛 二十三漾'],
  ['第三部', '四支 五微 八齐 十灰', '四纸 五尾 八荠 十贿 四寘 五未 八霁 九泰 十一队'],
  ['第四部', '六鱼 七虞', '六语 七麌 六御 七遇'],
  ['第五部', '九佳 十灰', '九蟹 十贿 九泰 十卦 十一队'],
  ['第六部', '十一真 十二文 十三元', '十一轸 十二吻 十三阮 十二震 十三问 十四愿'],
  ['第七部', '十三元 十四寒 十五删 一先', '十三阮 十四旱 十五潸 十六铣 十四愿 十五翰 十六谏 十七霰'],
  ['第八部', '二萧 三肴 四豪', '十七筱 十八巧 十九皓 十八啸 十九效 二十号'],
  ['第九部', '五歌', '二十哿 二十一个'],
  ['第十部', '九佳 六麻', '二十一马 十卦 二十二祃'],
  ['第十一部', '八庚 九青 十蒸', '二十三梗 二十四迥 二十四敬 二十五径'],
  ['第十二部', '十一尤', '二十五有 二十六宥'],
  ['第十三部', '十二侵', '二十六寝 二十七沁'],
  ['第十四部', '十三覃 十四盐 十五咸', '二十七感 二十八琰 二十九豏 二十八勘 二十九艳 三十陷'],
  ['第十五部', '', '一屋 二沃'],
  ['第十六部', '', '三觉 十药'],
  ['第十七部', '', '四质 十一陌 十二锡 十三职 十四缉'],
  ['第十八部', '', '五物 六月 七曷 八黠 九屑 十六叶'],
  ['第十九部', '', '十五合 十七洽'],
];

const pingshui = (): Rhyme[] => PINGSHUI.map((row) => rhymeOf(row, SUPPLEMENT[row[0]]));

function ciRhymes(): Rhyme[] {
  const parts = new Map(pingshui().map(({ name, characters }) => [name, characters]));
  const joined = (name: string, tone: Tone, names: string): Rhyme[] => {
    const characters = new Set(names.split(' ').flatMap((one) => [...(parts.get(one) ?? [])]));
    return characters.size === 0 ? [] : [{ name, tone, characters }];
  };
  return CI.flatMap(([name, level, oblique]) => [...joined(name, 'level', level), ...joined(name, 'oblique', oblique)]);
}

const BOOKS: Readonly<Record<RhymeBookName, () => RhymeBook>> = {
  pingshui: () => new RhymeBook({ zh: '平水韵', en: 'Pingshui rhymes' }, pingshui()),
  ci: () => new RhymeBook({ zh: '词韵', en: 'rhymes of ci' }, ciRhymes()),
  new: () =>
    new RhymeBook(
      { zh: '中华新韵', en: 'new rhymes' },
      NEW_RHYMES.map((row) => rhymeOf(row)),
    ),
};

const made = new Map<RhymeBookName, RhymeBook>();

/** All are built when they are first asked for. */
export function rhymeBook(name: RhymeBookName): RhymeBook {
  const known = made.get(name) ?? BOOKS[name]();
  made.set(name, known);
  return known;
}
