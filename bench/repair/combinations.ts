/**
 * Several wounds at once: every pair and every three of them, each on some pages, seeded. A page is well where it is kept with at most
 * one wrong or missing character in a thousand (□ for a lost one is none) and no line left of what was put around it. Its text can be
 * restored where the wounds destroyed bytes of at most one character in a thousand (carried-text.ts), whatever the stage makes of it.
 */
import { seededRandom } from '../seeded-random.ts';
import { shownText } from './carried-text.ts';
import { matched } from './matched.ts';
import { type Page, undamaged, type Wound } from './wounds.ts';

export interface Outcome {
  readonly wounds: readonly string[];
  readonly page: string;
  readonly characters: number;
  /** Share of characters of which bytes are destroyed. */
  readonly lost: number;
  /** What the stage makes of it; undefined where it rejects the page. */
  readonly mended: string | undefined;
  /** Share of characters that are wrong or missing, □ left out. */
  readonly wrong: number;
  /** Share of those of which no byte was destroyed, that do not come back. */
  readonly missed: number;
  readonly left: readonly string[];
}

interface Text {
  readonly name: string;
  readonly text: string;
}

/** What becomes of a text; undefined where it is rejected. */
type Mend = (text: string) => string | undefined;

export function* combinations(wounds: readonly Wound[]): Generator<Wound[]> {
  for (const [i, first] of wounds.entries()) {
    for (const [j, second] of wounds.entries()) {
      if (j <= i) continue;
      yield [first, second];
      for (const third of wounds.slice(j + 1)) yield [first, second, third];
    }
  }
}

/** Undefined where no wound left a trace: a text without a comma that could be cut, say. */
export function outcome(
  several: readonly Wound[],
  text: Text,
  seed: number,
  mend: Mend,
  comparable: (text: string) => string,
): Outcome | undefined {
  const random = seededRandom(seed);
  let page = undamaged(text.text);
  let isWounded = false;
  for (const { inflict, harmless } of several) {
    const before = comparable(shownText(page.carriers));
    page = inflict(page, random);
    isWounded ||= harmless !== true && comparable(shownText(page.carriers)) !== before;
  }
  if (!isWounded) return undefined;
  const survivors = comparable(surviving(page));
  const gold = comparable(page.gold);
  const mended = mend(shownText(page.carriers));
  const told = {
    wounds: several.map(({ name }) => name),
    page: text.name,
    characters: gold.length,
    lost: lostShare(page),
    mended,
  };
  if (mended === undefined) return { ...told, wrong: 1, missed: 1, left: [] };
  const got = comparable(mended);
  const left = page.around.filter((line) => stands(comparable(line), got, gold));
  const marked = got.split('□').length - gold.split('□').length;
  const wrong = Math.max(0, Math.max(gold.length, got.length) - matched(gold, got) - Math.max(0, marked));
  const missed = survivors.length - matched(survivors, got);
  return { ...told, wrong: wrong / gold.length, missed: missed / Math.max(1, survivors.length), left };
}

function lostShare({ gold, lost }: Page): number {
  const places = Array.from(gold).flatMap((character, place) => (character.trim() === '' ? [] : [place]));
  return places.filter((place) => lost.has(place)).length / places.length;
}

/** The characters of which all bytes are still there. */
function surviving({ gold, lost }: Page): string {
  return Array.from(gold)
    .filter((_, place) => !lost.has(place))
    .join('');
}

/** The largest share of wrong and missing characters, and of destroyed ones in a text that can be restored. */
const MOST_WRONG = 0.001;

export function isRestorable({ lost }: Outcome): boolean {
  return lost <= MOST_WRONG;
}

export function isWell({ mended, wrong, left }: Outcome): boolean {
  return mended !== undefined && wrong <= MOST_WRONG && left.length === 0;
}

/** A third of a line is enough to be seen. */
function stands(line: string, got: string, gold: string): boolean {
  if (line.length < 6) return got.slice(-40).includes(line) && !gold.slice(-40).includes(line);
  const piece = Math.max(5, Math.floor(line.length / 3));
  for (let at = 0; at + piece <= line.length; at += piece) {
    const part = line.slice(at, at + piece);
    if (got.includes(part) && !gold.includes(part)) return true;
  }
  return false;
}
