/**
 * The order in which the lines of a page are read: where text is set in columns, each column from top to bottom, between the lines that
 * go across. Tables look like columns too; what tells columns is that their lines are filled.
 */
import { charactersOf, type Line, leftOf, rightOf, type Stretch } from './text-line.ts';

/** Lines that are read one after another and share their margins. */
export type Region = Line[];

/** Of the lines of a part of the page; more go across, and there are no columns. */
const MOST_ACROSS = 0.5;
const LEAST_LINES = 4;
/** A line is filled that is as wide as this share of the widest of its column; half of the lines of a column are. */
const FILLED = 0.7;
const MOST_FILLED = 0.5;
const LEAST_CHARACTERS = 8;
/** Columns in columns; a page has no more than eight. */
const DEEPEST = 3;
/** Places of the page that are tried, and where it makes sense to: not at the margins. */
const STEPS = 120;
const MARGIN = 0.15;

export function regionsOf(lines: readonly Line[], depth = 0): Region[] {
  const gutter = depth < DEEPEST && lines.length >= LEAST_LINES ? gutterOf(lines) : undefined;
  if (gutter === undefined) return lines.length === 0 ? [] : [[...lines]];
  const regions: Region[] = [];
  let across: Line[] = [];
  let band: Line[] = [];
  const endBand = () => {
    const [left, right] = [sideOf(band, gutter, true), sideOf(band, gutter, false)];
    if (
      left.length > 0 &&
      right.length > 0 &&
      left.length + right.length >= 2 * LEAST_LINES &&
      areFilled(left) &&
      areFilled(right)
    ) {
      if (across.length > 0) regions.push(across);
      across = [];
      regions.push(...regionsOf(left, depth + 1), ...regionsOf(right, depth + 1));
    } else {
      across.push(...band);
    }
    band = [];
  };
  for (const line of lines) {
    if (line.stretches.some(({ left, right }) => left < gutter && right > gutter)) {
      endBand();
      across.push(line);
    } else {
      band.push(line);
    }
  }
  endBand();
  if (across.length > 0) regions.push(across);
  return regions;
}

/** The place that the fewest lines go across; undefined where too many do. */
function gutterOf(lines: readonly Line[]): number | undefined {
  const left = Math.min(...lines.map(leftOf));
  const width = Math.max(...lines.map(rightOf)) - left;
  const across = new Uint32Array(STEPS);
  const beside = new Uint8Array(STEPS);
  const stretches: Stretch[] = lines.flatMap((line) => line.stretches);
  for (let step = Math.ceil(MARGIN * STEPS); step < (1 - MARGIN) * STEPS; step++) {
    const x = left + (step / STEPS) * width;
    across[step] = stretches.filter((one) => one.left < x && one.right > x).length;
    beside[step] = stretches.some((one) => one.right <= x) && stretches.some((one) => one.left >= x) ? 1 : 0;
  }
  let best: { from: number; to: number; across: number } | undefined;
  for (let step = 0; step < STEPS; step++) {
    if (beside[step] === 0) continue;
    let to = step;
    while (to + 1 < STEPS && beside[to + 1] === 1 && across[to + 1] === across[step]) to++;
    const one = { from: step, to, across: across[step]! };
    if (
      best === undefined ||
      one.across < best.across ||
      (one.across === best.across && to - step > best.to - best.from)
    )
      best = one;
    step = to;
  }
  if (best === undefined || best.across > MOST_ACROSS * lines.length) return undefined;
  return left + ((best.from + best.to) / 2 / STEPS) * width;
}

function sideOf(lines: readonly Line[], gutter: number, isLeft: boolean): Line[] {
  return lines
    .map((line) => ({ ...line, stretches: line.stretches.filter(({ right }) => right <= gutter === isLeft) }))
    .filter(({ stretches }) => stretches.length > 0);
}

function areFilled(lines: readonly Line[]): boolean {
  const widths = lines.map((line) => rightOf(line) - leftOf(line));
  const most = Math.max(...widths);
  const filled = widths.filter((width) => width >= FILLED * most).length;
  const characters = lines.reduce((sum, line) => sum + charactersOf(line), 0);
  return filled >= MOST_FILLED * lines.length && characters >= LEAST_CHARACTERS * lines.length;
}
