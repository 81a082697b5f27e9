/** Heads, feet and numbers of pages: what stands in the same place of three pages or more, at the edge, with other numbers at most. */
import type { Line } from './text-line.ts';

/** Lines from the edge that are looked at, pages that must have one, and points that it may be apart. */
const LINES_AT_EDGE = 3;
const LEAST_PAGES = 3;
const APART = 4;
/** A line of more numbers is a row of a table. */
const MOST_NUMBERS = 2;
/** In a document of two pages a line that is nothing but their number. */
const NUMBER_ALONE = /^(第#页)?([/,，共]*#?页?)?[-–—―\s.·|]*#?[-–—―\s.·|]*([/／]#|共#页)?$/;

/** The lines of each page without those. */
export function withoutRunningLines(pages: readonly (readonly Line[])[]): Line[][] {
  const places = new Map<string, { page: number; y: number }[]>();
  for (const [page, lines] of pages.entries()) {
    for (const { line, edge } of edgesOf(lines)) {
      const key = edge + signatureOf(line);
      const found = places.get(key) ?? [];
      found.push({ page, y: line.y });
      places.set(key, found);
    }
  }
  return pages.map((lines) => {
    const dropped = new Set<Line>();
    for (const { line, edge } of edgesOf(lines)) {
      const signature = signatureOf(line);
      const alike = (places.get(edge + signature) ?? []).filter(({ y }) => Math.abs(y - line.y) <= APART);
      const seen = new Set(alike.map(({ page }) => page)).size;
      const isNumber = /#/.test(signature) && NUMBER_ALONE.test(signature);
      if (seen >= LEAST_PAGES || (seen >= 2 && isNumber)) dropped.add(line);
    }
    return lines.filter((line) => !dropped.has(line));
  });
}

function edgesOf(lines: readonly Line[]): { line: Line; edge: string }[] {
  const at = Math.min(LINES_AT_EDGE, lines.length);
  return [
    ...lines.slice(0, at).map((line) => ({ line, edge: 'top ' })),
    ...lines.slice(lines.length - at).map((line) => ({ line, edge: 'bottom ' })),
  ];
}

function signatureOf({ stretches }: Line): string {
  const text = stretches
    .map((stretch) => stretch.text)
    .join('')
    .replaceAll(/\s+/g, '');
  if (/^[ivxlc]+$/i.test(text)) return '#';
  const folded = text.replaceAll(/\d+/g, '#');
  return folded.split('#').length - 1 > MOST_NUMBERS ? text : folded;
}
