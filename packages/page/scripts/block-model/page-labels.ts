/**
 * Labels of public pages: what a person would keep of a page, without the page. `keep` counts in characters of the
 * page's visible text without white space, so that a label outlives changes in how a page is cut into blocks.
 */
import { readFileSync } from 'node:fs';
import type { Block } from '../../src/extract/page-tree.ts';

/** `comments`: a page that is nothing but short comments on one thing; `index`: no main text. */
export const PAGE_KINDS = ['article', 'blog', 'thread', 'comments', 'index'] as const;
export type PageKind = (typeof PAGE_KINDS)[number];

export interface PageLabel {
  id: string;
  repository: string;
  commit: string;
  path: string;
  sha256: string;
  /** Pages of one site are never on both sides of a measurement. */
  site: string;
  kind: PageKind;
  /** Half-open ranges, ascending. */
  keep: [start: number, end: number][];
}

export function readLabels(file: string): PageLabel[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as PageLabel);
}

/** The places of the kept blocks; blocks that follow each other fall together. */
export function placesOf(blocks: readonly Block[], kept: readonly number[]): [number, number][] {
  const wanted = new Set(kept);
  const places: [number, number][] = [];
  eachPlace(blocks, (i, start, end) => {
    if (!wanted.has(i) || end === start) return;
    const last = places.at(-1);
    if (last !== undefined && last[1] === start) last[1] = end;
    else places.push([start, end]);
  });
  return places;
}

/** The share of each block, 0 to 1, that lies in the places. */
export function sharesOf(blocks: readonly Block[], places: readonly [number, number][]): number[] {
  const shares = new Array<number>(blocks.length).fill(0);
  let first = 0;
  eachPlace(blocks, (i, start, end) => {
    while (first < places.length && places[first]![1] <= start) first++;
    let covered = 0;
    for (let k = first; k < places.length && places[k]![0] < end; k++)
      covered += Math.min(end, places[k]![1]) - Math.max(start, places[k]![0]);
    shares[i] = end === start ? 0 : covered / (end - start);
  });
  return shares;
}

function eachPlace(blocks: readonly Block[], visit: (block: number, start: number, end: number) => void): void {
  let at = 0;
  blocks.forEach(({ text }, i) => {
    const end = at + text.replace(/\s/gu, '').length;
    visit(i, at, end);
    at = end;
  });
}
