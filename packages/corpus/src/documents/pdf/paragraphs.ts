/**
 * Lines → paragraphs. A paragraph ends where its last line ends early, the next one is indented, stands apart or is of another size; one
 * that fills its last line goes on in the next column or page. Lines of Chinese are joined without a space.
 */
import { TextBlocks } from '../text-blocks.ts';
import type { Region } from './columns.ts';
import { charactersOf, isHan, type Line, leftOf, rightOf } from './text-line.ts';

/** Of the size of the font. */
const INDENT = 1.2;
const ENDS_EARLY = 1.6;
/** Of the usual way from line to line. */
const APART = 1.5;
/** A block of narrower lines is verse, or a list. */
const NARROWEST = 12;
const OTHER_SIZE = 0.12;
/** Of the usual size, for a line of so many characters at most. */
const HEADING_SIZE = 1.15;
const LONGEST_HEADING = 80;

const ENDS = /[。！？；：.!?:;”』」）)]$/u;
const BEGINS_ITEM =
  /^([•●■◆▪◦·○□☐☑✓➢]|[（(]?(\d{1,3}|[一二三四五六七八九十百]{1,4})[)）、.．]|第[一二三四五六七八九十百\d]{1,5}[章节条款]|[①-⑳])/u;

interface Paragraph {
  text: string;
  size: number;
  /** Whether its last line is full, so that the next line may go on with it. */
  goesOn: boolean;
  /** Room that its last line leaves. */
  room: number;
  /** A row of a table. */
  row?: string[];
}

/** @param pages regions of each page in the order of reading */
export function writeParagraphs(pages: readonly (readonly Region[])[]): string {
  const all = pages.flat(2);
  const body = usualSize(all);
  const paragraphs: Paragraph[] = [];
  for (const region of pages.flat()) addRegion(paragraphs, region, body);
  const sizes = [...new Set(paragraphs.filter((one) => isHeading(one, body)).map(({ size }) => roughly(size)))].sort(
    (a, b) => b - a,
  );
  const blocks = new TextBlocks();
  let rows: string[][] = [];
  const endTable = () => {
    if (rows.length > 0) blocks.rows(rows);
    rows = [];
  };
  for (const paragraph of paragraphs) {
    if (paragraph.row !== undefined) {
      rows.push(paragraph.row);
      continue;
    }
    endTable();
    if (isHeading(paragraph, body))
      blocks.heading(paragraph.text, 1 + Math.min(3, sizes.indexOf(roughly(paragraph.size))));
    else blocks.paragraph(paragraph.text);
  }
  endTable();
  return String(blocks);
}

function addRegion(paragraphs: Paragraph[], region: Region, body: number): void {
  const [left, right] = marginsOf(region);
  const pitch = usualPitch(region);
  let last: Line | undefined;
  for (const [at, line] of region.entries()) {
    const row = rowOf(region, at);
    if (row !== undefined) {
      paragraphs.push({ text: '', size: line.size, goesOn: false, room: 0, row });
      last = undefined;
      continue;
    }
    const text = textOf(line);
    const open = paragraphs.at(-1);
    // Against the lines around it: a block may be set narrower than its column.
    const next = region[at + 1];
    const after = next !== undefined && next.y - line.y <= APART * pitch ? leftOf(line) - leftOf(next) : 0;
    const indent = Math.max(after, leftOf(line) - (last === undefined ? left : leftOf(last)));
    const room = isSetFull(region, at) ? 0 : right - rightOf(line);
    const goesOn = room < ENDS_EARLY * line.size;
    const isFollowed = open !== undefined && open.row === undefined && sameSize(open.size, line.size);
    const isHead = line.size >= HEADING_SIZE * body;
    // The first line of a column or page goes on with the last one before it; a heading does not.
    const isNear = last === undefined ? !isHead && !ENDS.test(open?.text ?? '') : line.y - last.y <= APART * pitch;
    const begins = indent > INDENT * line.size || (BEGINS_ITEM.test(text) && ENDS.test(open?.text ?? ''));
    const headGoesOn = isHead && last !== undefined && line.y - last.y <= 2 * line.size && isNear;
    // A line of words ends where the next word has no room.
    const isFull = last !== undefined && firstWordOf(line) > (open?.room ?? 0);
    if (isFollowed && isNear && (((open.goesOn || isFull) && !begins) || headGoesOn)) {
      open.text = joinLines(open.text, text);
      open.goesOn = goesOn;
      open.room = room;
    } else {
      paragraphs.push({ text, size: line.size, goesOn, room });
    }
    last = line;
  }
}

/** The cells of a line that has gaps, where a line beside it has as many. */
function rowOf(region: Region, at: number): string[] | undefined {
  const { stretches } = region[at]!;
  if (stretches.length < 2) return undefined;
  const beside = [region[at - 1], region[at + 1]].some((other) => other !== undefined && other.stretches.length >= 2);
  // Characters of a title that is set wide are no cells.
  const isSpread = stretches.length > 2 && stretches.every(({ text }) => [...text].length === 1);
  return beside && !isSpread ? stretches.map(({ text }) => text) : undefined;
}

function textOf({ stretches }: Line): string {
  const texts = stretches.map(({ text }) => text);
  return texts.join(texts.length > 2 && texts.every((text) => [...text].length === 1 && isHan(text)) ? '' : ' ');
}

/** Whether lines around end at the same place: a block that is set narrower than its column, such as an abstract. */
function isSetFull(region: Region, at: number): boolean {
  const line = region[at]!;
  if (rightOf(line) - leftOf(line) < NARROWEST * line.size) return false;
  const around = region.slice(Math.max(0, at - 4), at + 5);
  const alike = around.filter(
    (one) => sameSize(one.size, line.size) && Math.abs(rightOf(one) - rightOf(line)) < 0.4 * line.size,
  );
  return alike.length >= 4;
}

/** Width of the first word of a line, with a space before it; a Chinese character is a word. */
function firstWordOf(line: Line): number {
  const text = textOf(line);
  const width = rightOf(line) - leftOf(line);
  const word = isHan(text.slice(0, 1)) ? text.slice(0, 1) : (/^[^\s\p{Script=Han}]+/u.exec(text)?.[0] ?? '');
  return ((word.length + 1) * width) / Math.max(1, text.length);
}

/** Hyphens that part a word go; Chinese needs no space. */
export function joinLines(text: string, more: string): string {
  if (/\p{Ll}[-\u00AD\u2010]$/u.test(text) && /^\p{Ll}/u.test(more)) return text.slice(0, -1) + more;
  if (/\u00AD$/.test(text)) return text.slice(0, -1) + more;
  if (isHan(text.slice(-1)) || isHan(more.slice(0, 1))) return text + more;
  return `${text} ${more}`;
}

function isHeading({ text, size, row }: Paragraph, body: number): boolean {
  return (
    row === undefined &&
    size >= HEADING_SIZE * body &&
    text.length <= LONGEST_HEADING &&
    !/[。；，,;]$/u.test(text) &&
    /\p{L}/u.test(text)
  );
}

function roughly(size: number): number {
  return Math.round(size);
}

function sameSize(a: number, b: number): boolean {
  return Math.abs(a - b) <= OTHER_SIZE * Math.max(a, b);
}

/** The size that most characters have. */
function usualSize(lines: readonly Line[]): number {
  const counts = new Map<number, number>();
  for (const line of lines) {
    const size = Math.round(line.size * 2) / 2;
    counts.set(size, (counts.get(size) ?? 0) + charactersOf(line));
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 0;
}

/** Of a region without the few lines that stick out. */
function marginsOf(region: Region): [left: number, right: number] {
  const lefts = region.map(leftOf).sort((a, b) => a - b);
  const rights = region.map(rightOf).sort((a, b) => a - b);
  return [lefts[Math.floor(0.05 * lefts.length)]!, rights[Math.ceil(0.95 * rights.length) - 1]!];
}

function usualPitch(region: Region): number {
  const ways = region
    .slice(1)
    .map((line, at) => line.y - region[at]!.y)
    .filter((way) => way > 0);
  ways.sort((a, b) => a - b);
  // The lower third: blank lines between paragraphs do not count as the usual way.
  return ways[Math.floor(ways.length / 3)] ?? (region[0]?.size ?? 0) * 2;
}
