/**
 * Several wounds at once: every pair and every three of them, each on some pages, seeded. A page is well where it is kept with at most
 * one wrong or missing character in a thousand (□ for a lost one is none) and no line left of what was put around it.
 */
import { seededRandom } from '../seeded-random.ts';
import { matched } from './matched.ts';
import type { Page, Wound } from './wounds.ts';

export type Outcome = {
  wounds: readonly string[];
  page: string;
  mended: string | undefined;
  wrong: number;
  left: readonly string[];
  characters: number;
};

type Text = { name: string; text: string };
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
  comparable: Mend,
): Outcome | undefined {
  const random = seededRandom(seed);
  const names = several.map(({ name }) => name);
  const whole: Page = { text: text.text, gold: text.text, around: [] };
  let page = whole;
  let isWounded = false;
  for (const { inflict, harmless } of several) {
    const before = page;
    page = inflict(before, random);
    isWounded ||= harmless !== true && page.text !== before.text;
  }
  if (!isWounded) return undefined;
  const mended = mend(page.text);
  const result = { wounds: names, page: text.name, mended };
  if (mended === undefined) return { ...result, wrong: 1, left: [], characters: page.gold.length };
  const [gold, got] = [comparable(page.gold)!, comparable(mended)!];
  const left = page.around.filter((line) => stands(comparable(line)!, got, gold));
  const lost = got.split('□').length - gold.split('□').length;
  const common = matched(gold, got);
  const wrong = Math.max(0, Math.max(gold.length, got.length) - common - Math.max(0, lost));
  return { ...result, wrong: wrong / gold.length, left, characters: gold.length };
}

/** The largest share of wrong and missing characters. */
const MOST_WRONG = 0.001;

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
