/**
 * Lines of a site: what a page repeats from its neighbours (navigation, notices, signatures of editors) is told from its
 * text by being on many pages of one site. A line is known by 64 bits of its site and its content, in which any number is
 * like any other, so that counters and dates do not hide it.
 */
import type { Document } from '../document.ts';
import { contentUnits, mix } from './shingles.ts';

/** The host of the page's address without `www.`; the source where a document has no address. */
export function siteOf({ meta, source }: Pick<Document, 'meta' | 'source'>): string {
  const host = meta.url === undefined || !URL.canParse(meta.url) ? '' : new URL(meta.url).hostname;
  return host === '' ? source : host.replace(/^www\./, '');
}

/** 32 bits of the site's name; two sites that share them are counted as one. */
export function siteHash(site: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < site.length; i++) h = Math.imul(h ^ site.charCodeAt(i), 0x01000193);
  return mix(h);
}

/** Words of one record: two of hash, one of content length. */
export const LINE_WORDS = 3;

/** Three words for each different line that has content, in order: its 64 bits, and the number of its content characters. */
export function lineRecords(site: number, text: string): Uint32Array {
  const lines = text.split('\n');
  const records = new Uint32Array(LINE_WORDS * lines.length);
  const seen = new Set<number>();
  let at = 0;
  for (const line of lines) {
    const units = contentUnits(line);
    if (units.length === 0) continue;
    const [high, low] = lineHash(site, units);
    const key = high * 2 ** 21 + (low >>> 11);
    if (seen.has(key)) continue;
    seen.add(key);
    records[at] = high;
    records[at + 1] = low;
    records[at + 2] = units.length;
    at += LINE_WORDS;
  }
  return records.subarray(0, at);
}

function lineHash(site: number, units: Uint16Array): [high: number, low: number] {
  let high = site;
  let low = ~site;
  let before = 0;
  for (const unit of units) {
    const folded = unit >= 0x30 && unit <= 0x39 ? 0x30 : unit;
    if (folded === 0x30 && before === 0x30) continue;
    before = folded;
    high = Math.imul(high ^ folded, 0x01000193);
    low = Math.imul((low << 7) ^ (low >>> 25) ^ folded, 0x9e3779b1);
  }
  return [mix(high), mix(low)];
}

/** The text without the lines in `repeated`, and how many they were. Lines without content stay. */
export function withoutLines(
  document: Pick<Document, 'meta' | 'source' | 'text'>,
  repeated: LineSet,
): { text: string; removed: number } {
  const site = siteHash(siteOf(document));
  const lines = document.text.split('\n');
  const kept = lines.filter((line) => {
    const units = contentUnits(line);
    return units.length === 0 || !repeated.has(...lineHash(site, units));
  });
  return { text: kept.join('\n').trim(), removed: lines.length - kept.length };
}

/** A set of 64-bit line hashes in shared memory, which other threads read in place. */
export class LineSet {
  readonly words: Uint32Array;

  constructor(words: Uint32Array) {
    this.words = words;
  }

  /** @param hashes pairs of words */
  static of(hashes: Uint32Array): LineSet {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(8, hashes.length)));
    const set = new LineSet(new Uint32Array(new SharedArrayBuffer(8 * slots)));
    for (let i = 0; i < hashes.length; i += 2) {
      const at = set.#slot(hashes[i]!, hashes[i + 1]!);
      set.words[at] = hashes[i]!;
      set.words[at + 1] = hashes[i + 1]! | 1;
    }
    return set;
  }

  /** The last bit of a hash marks a slot as taken, and is not compared. */
  has(high: number, low: number): boolean {
    return this.words[this.#slot(high, low) + 1] !== 0;
  }

  /** Where the hash stands, or the free place where it would. */
  #slot(high: number, low: number): number {
    const mask = this.words.length / 2 - 1;
    const mark = (low | 1) >>> 0;
    let slot = high & mask;
    while (this.words[2 * slot + 1] !== 0 && (this.words[2 * slot] !== high || this.words[2 * slot + 1] !== mark)) {
      slot = (slot + 1) & mask;
    }
    return 2 * slot;
  }
}
