/**
 * Does a poem speak of its theme? Two measures, both over characters, both meant to be read beside the same poems with
 * other poems' themes:
 *
 * - overlap: share of the theme's Chinese characters that occur in the poem;
 * - association: how much more often than by chance the poem's characters stand under titles with the theme's
 *   characters in the training text (mean pointwise mutual information, in bits), the theme's own characters left out.
 *   It hears a poem of snow that says "cold" and "white" only.
 */

import { isHan } from './bits-per-character.ts';

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

/** In how many training poems characters stand in the body, alone and under titles with characters of the themes. */
export class ThemeAssociation {
  #poems = 0;
  readonly #titles = new Map<string, number>();
  readonly #bodies = new Map<string, number>();
  /** Title character → body character → poems. Only characters of the themes have a row. */
  readonly #pairs: ReadonlyMap<string, Map<string, number>>;

  /** Reads the training poems once and keeps counts for the characters of the themes. */
  constructor(poems: Iterable<TitledPoem>, themes: readonly string[]) {
    this.#pairs = new Map([...hanCharacters(themes.join(''))].map((character) => [character, new Map()]));
    for (const { title, body } of poems) this.#count(title, body);
  }

  #count(title: string, body: string): void {
    this.#poems++;
    const rows: Map<string, number>[] = [];
    for (const character of new Set(title)) {
      const row = this.#pairs.get(character);
      if (row === undefined) continue;
      rows.push(row);
      increment(this.#titles, character);
    }
    for (const character of new Set(body)) {
      increment(this.#bodies, character);
      for (const row of rows) increment(row, character);
    }
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
      const row = this.#pairs.get(inTitle);
      if (row === undefined) throw new Error(`no counts for the theme ${theme}: it was not among the themes given`);
      for (const inBody of bodyCharacters) {
        const chance = ((this.#titles.get(inTitle) ?? 0) * (this.#bodies.get(inBody) ?? 0)) / Math.max(this.#poems, 1);
        sum += Math.log2(((row.get(inBody) ?? 0) + 1) / (chance + 1));
      }
    }
    return sum / Math.max(titleCharacters.size * bodyCharacters.length, 1);
  }
}

function hanCharacters(text: string): Set<string> {
  return new Set(Array.from(text).filter(isHan));
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
