/**
 * Does a poem speak of its theme? Two measures, both over characters, both meant to be read beside the same poems with
 * other poems' themes:
 *
 * - overlap: share of the theme's Chinese characters that occur in the poem;
 * - association: how much more often than by chance the poem's characters stand under titles with the theme's
 *   characters in the training text (mean pointwise mutual information, in bits), the theme's own characters left out.
 *   It hears a poem of snow that says "cold" and "white" only.
 */

import { isHan } from '../bits/bits-per-character.ts';

export interface TitledPoem {
  readonly title: string;
  readonly body: string;
}

/** Share of the different Chinese characters of the theme that the poem contains; NaN for a theme without any. */
export function themeOverlap(theme: string, poem: string): number {
  const wanted = hanCharacters(theme);
  const found = hanCharacters(poem);
  return [...wanted].filter((character) => found.has(character)).length / wanted.size;
}

/** More than the Chinese characters that Unicode has, so that a character's place in a row always exists. */
const PLACES = 0x20000;
const CODE_POINTS = 0x110000;

/** Training poems under titles with one of the themes' characters. */
interface TitleRow {
  poems: number;
  /** Of these, the poems with a character in the body, by the character's place. */
  readonly withCharacter: Uint32Array;
}

/**
 * In how many training poems characters stand in the body: in all, and under titles with characters of the themes.
 * Half a MiB for every character of the themes.
 */
export class ThemeAssociation {
  #poems = 0;
  /** By place. */
  readonly #poemsWithCharacter = new Uint32Array(PLACES);
  /** By place: the last poem that was counted for the character. */
  readonly #counted = new Uint32Array(PLACES);
  /** By code point: the place of a Chinese character, in order of first sight from 1; 0 unseen, -1 not Chinese. */
  readonly #placeOf = new Int32Array(CODE_POINTS);
  #places = 0;
  readonly #rows: ReadonlyMap<string, TitleRow>;

  /** Reads the training poems once. */
  constructor(poems: Iterable<TitledPoem>, themes: readonly string[]) {
    this.#rows = new Map(
      [...hanCharacters(themes.join(''))].map((character) => [
        character,
        { poems: 0, withCharacter: new Uint32Array(PLACES) },
      ]),
    );
    for (const { title, body } of poems) this.#count(title, body);
  }

  #count(title: string, body: string): void {
    const poem = ++this.#poems;
    const rows = [...new Set(title)].flatMap((character) => this.#rows.get(character) ?? []);
    for (const row of rows) row.poems++;
    for (let i = 0; i < body.length; i++) {
      const code = body.codePointAt(i)!;
      if (code > 0xffff) i++;
      const place = this.#placeOf[code]! || this.#place(code);
      if (place < 0 || this.#counted[place] === poem) continue;
      this.#counted[place] = poem;
      this.#poemsWithCharacter[place]!++;
      for (const row of rows) row.withCharacter[place]!++;
    }
  }

  #place(code: number): number {
    const place = isHan(String.fromCodePoint(code)) ? ++this.#places : -1;
    this.#placeOf[code] = place;
    return place;
  }

  /**
   * Mean over the theme's and the poem's different Chinese characters of log2((n + 1) / (e + 1)): n poems have the one
   * in the title and the other in the body, e would by chance. Adding one draws rare pairs towards zero.
   *
   * @returns bits; 0 when the poem has no character beside the theme's
   */
  strength(theme: string, poem: string): number {
    const titleCharacters = hanCharacters(theme);
    const bodyCharacters = [...hanCharacters(poem)].filter((character) => !titleCharacters.has(character));
    let sum = 0;
    for (const inTitle of titleCharacters) {
      const row = this.#rows.get(inTitle);
      if (row === undefined) throw new Error(`no counts for the theme ${theme}: it was not among the themes given`);
      for (const inBody of bodyCharacters) {
        const place = this.#placeOf[inBody.codePointAt(0)!]!; // unseen: place 0, which counts nothing
        const chance = (row.poems * this.#poemsWithCharacter[place]!) / Math.max(this.#poems, 1);
        sum += Math.log2((row.withCharacter[place]! + 1) / (chance + 1));
      }
    }
    return sum / Math.max(titleCharacters.size * bodyCharacters.length, 1);
  }
}

function hanCharacters(text: string): Set<string> {
  return new Set(Array.from(text).filter(isHan));
}
