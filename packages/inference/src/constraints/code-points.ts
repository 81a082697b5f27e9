/** Sets of Unicode code points as sorted ranges that do not touch, and the UTF-8 bytes that spell them. Surrogates are no characters. */

export type CodePoints = readonly (readonly [from: number, to: number])[];

const LAST = 0x10ffff;
const SURROGATES = [0xd800, 0xdfff] as const;

export const EVERY_CHARACTER: CodePoints = [
  [0, SURROGATES[0] - 1],
  [SURROGATES[1] + 1, LAST],
];

export function union(...sets: readonly CodePoints[]): CodePoints {
  const ranges = sets.flat().sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [from, to] of ranges) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

/** Every character that is not in the set. */
export function complement(set: CodePoints): CodePoints {
  const rest: [number, number][] = [];
  let next = 0;
  for (const [from, to] of union(set, [SURROGATES])) {
    if (from > next) rest.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= LAST) rest.push([next, LAST]);
  return rest;
}

export function intersection(a: CodePoints, b: CodePoints): CodePoints {
  return complement(union(complement(a), complement(b)));
}

export const charactersOf = (text: string): CodePoints =>
  union([...text].map((character) => [character.codePointAt(0)!, character.codePointAt(0)!] as const));

export type ByteRange = readonly [from: number, to: number];

/** Where the number of bytes changes. */
const LENGTHS = [0x7f, 0x7ff, 0xffff, LAST];

/** Sequences of byte ranges that together spell exactly the characters of a set. */
export function utf8Sequences(set: CodePoints): ByteRange[][] {
  const sequences: ByteRange[][] = [];
  for (const [from, to] of intersection(set, EVERY_CHARACTER)) {
    let start = from;
    for (const end of LENGTHS) {
      if (start > end) continue;
      split(start, Math.min(to, end), sequences);
      start = end + 1;
      if (start > to) break;
    }
  }
  return sequences;
}

/** Cuts a range of characters of one length until first and last differ only where all bytes behind are free. */
function split(from: number, to: number, sequences: ByteRange[][]): void {
  const first = Buffer.from(String.fromCodePoint(from));
  const last = Buffer.from(String.fromCodePoint(to));
  for (let free = first.length - 1; free > 0; free--) {
    const size = 2 ** (6 * free);
    const [low, high] = [Math.floor(from / size), Math.floor(to / size)];
    if (low === high) continue;
    if (from % size !== 0) {
      const border = (low + 1) * size;
      split(from, border - 1, sequences);
      split(border, to, sequences);
      return;
    }
    if (to % size !== size - 1) {
      const border = high * size;
      split(from, border - 1, sequences);
      split(border, to, sequences);
      return;
    }
  }
  sequences.push([...first].map((byte, place) => [byte, last[place]!] as const));
}
