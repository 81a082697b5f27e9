/**
 * Tones and rhymes of characters by a rhyme book: 平水韵, the 106 rhymes of 1252 by which regulated verse was written, or 中华新韵, the 14 rhymes of
 * today's readings (2005), whose table here has Simplified characters alone.
 *
 * A character with several readings has all of them: which one is meant is for readers, and so a check takes the reading that fits. One that
 * the book does not have is unknown: its tone fits anywhere, its rhyme nowhere.
 */
import { SUPPLEMENT } from './supplement.ts';
import { NEW_RHYMES } from './tables/new-rhymes.ts';
import { PINGSHUI } from './tables/pingshui.ts';

/** Of a place in a line: 平, 仄. */
export type Tone = 'level' | 'oblique';

export interface Rhyme {
  readonly name: string;
  readonly tone: Tone;
  readonly characters: ReadonlySet<string>;
}

export class RhymeBook {
  readonly name: { readonly zh: string; readonly en: string };
  /** 平声. */
  readonly levelRhymes: readonly Rhyme[];
  readonly #tones = new Map<string, Set<Tone>>();
  readonly #levelOf = new Map<string, Rhyme[]>();

  constructor(name: RhymeBook['name'], rhymes: readonly Rhyme[]) {
    this.name = name;
    this.levelRhymes = rhymes.filter(({ tone }) => tone === 'level');
    for (const rhyme of rhymes) {
      for (const character of rhyme.characters) {
        const tones = this.#tones.get(character) ?? new Set();
        this.#tones.set(character, tones.add(rhyme.tone));
        if (rhyme.tone !== 'level') continue;
        this.#levelOf.set(character, [...(this.#levelOf.get(character) ?? []), rhyme]);
      }
    }
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

  /** The level rhymes that a character has. */
  rhymesOf(character: string): readonly Rhyme[] {
    return this.#levelOf.get(character) ?? [];
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

const made = new Map<string, RhymeBook>();

/** Both are built when they are first asked for. */
export function rhymeBook(name: 'pingshui' | 'new'): RhymeBook {
  const known = made.get(name);
  if (known !== undefined) return known;
  const book =
    name === 'pingshui'
      ? new RhymeBook(
          { zh: '平水韵', en: 'Pingshui rhymes' },
          PINGSHUI.map((row) => rhymeOf(row, SUPPLEMENT[row[0]])),
        )
      : new RhymeBook(
          { zh: '中华新韵', en: 'new rhymes' },
          NEW_RHYMES.map((row) => rhymeOf(row)),
        );
  made.set(name, book);
  return book;
}
