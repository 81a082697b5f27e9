/**
 * Stage `repeated-lines`: lines that stand on many documents of one site are taken out of all of them, as MAP-CC does
 * after its removal of duplicates (yuan.md §3). Counted are the documents that the stages before have kept, so that copies
 * of a page do not make its text a repeated one. Lines are counted in as many parts as the memory asks for; each part
 * reads the line records of all units once, in order.
 */

import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { SpillReader } from '../reading/spill.ts';
import { corpusStage, shareOption } from '../stage.ts';
import type { Signatures } from './signatures.ts';
import { LINE_WORDS, LineSet } from './site-lines.ts';

const schema = z
  .strictObject({
    use: z.literal('repeated-lines'),
    minDocuments: z
      .int()
      .min(2)
      .default(5)
      .describe(
        inBoth(
          'A line is taken out that stands on at least so many documents of a site,',
          '一行至少出现在同一网站的这么多篇文档中，',
        ),
      ),
    minShare: shareOption.default(0.02).describe(inBoth('and on this share of them.', '并达到其中这一比例，即删去。')),
    minLeft: z
      .int()
      .min(1)
      .default(1)
      .describe(
        inBoth(
          'A document of which fewer content characters would be left is dropped.',
          '所剩字数少于此值的文档剔除。',
        ),
      ),
  })
  .describe(inBoth('Lines that repeat across the documents of a site.', '在同一网站的文档间重复的行。'));

export type LineOptions = z.infer<typeof schema>;

export interface RepeatedLines {
  lines: LineSet;
  /** 1 where a document loses lines, 2 where too little of it would be left. */
  effect: Uint8Array;
}

/** @param takesPart documents that are counted and changed; @param memory bytes for the table of one part */
export function repeatedLines(
  signatures: Signatures,
  options: LineOptions,
  takesPart: (document: number) => boolean,
  memory: number,
): RepeatedLines {
  const reader = new RecordReader(signatures);
  const pages = pagesOfSites(reader.sites, takesPart);
  let records = 0;
  for (let i = 0; i < signatures.documents; i++) if (takesPart(i)) records += reader.counts[i]!;
  const parts = Math.max(1, Math.ceil((records * LineTable.BYTES_A_RECORD) / memory));
  const repeated: number[] = [];
  for (let part = 0; part < parts; part++) {
    const table = new LineTable(Math.ceil((records / parts) * 1.1) + 64);
    reader.each(takesPart, (document, words) => {
      for (let at = 0; at < words.length; at += LINE_WORDS) {
        if (words[at]! % parts === part) table.count(words[at]!, words[at + 1]!, document);
      }
    });
    table.each((high, low, count, document) => {
      const least = Math.max(options.minDocuments, options.minShare * pages(reader.sites[document]!));
      if (count >= least) repeated.push(high, low);
    });
  }
  const lines = LineSet.of(Uint32Array.from(repeated));
  return { lines, effect: effects(reader, lines, options, takesPart) };
}

function effects(reader: RecordReader, lines: LineSet, options: LineOptions, takesPart: (document: number) => boolean) {
  const effect = new Uint8Array(reader.counts.length);
  reader.each(takesPart, (document, words) => {
    let [left, lost] = [0, false];
    for (let at = 0; at < words.length; at += LINE_WORDS) {
      if (lines.has(words[at]!, words[at + 1]!)) lost = true;
      else left += words[at + 2]!;
    }
    if (lost) effect[document] = left < options.minLeft ? 2 : 1;
  });
  return effect;
}

/** How many documents of a site take part, by its hash. */
function pagesOfSites(sites: Uint32Array, takesPart: (document: number) => boolean): (site: number) => number {
  const sorted = sites.filter((_, i) => takesPart(i)).sort();
  const firstNotBelow = (value: number) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sorted[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return (site) => firstNotBelow(site + 1) - firstNotBelow(site);
}

/** Line records of all documents in order, through a window of a MiB. */
class RecordReader {
  readonly sites: Uint32Array;
  readonly counts: Uint32Array;
  readonly #signatures: Signatures;

  constructor(signatures: Signatures) {
    this.#signatures = signatures;
    this.sites = signatures.column('site');
    this.counts = signatures.column('lines');
  }

  each(takesPart: (document: number) => boolean, use: (document: number, words: Uint32Array) => void): void {
    using reader = new SpillReader(1 << 20);
    let document = 0;
    for (const { path, rows } of this.#signatures.files('lines')) {
      let offset = 0;
      for (let end = document + rows; document < end; document++) {
        const length = 4 * LINE_WORDS * this.counts[document]!;
        if (length > 0 && takesPart(document)) {
          const bytes = reader.read(path, offset, length);
          use(document, new Uint32Array(bytes.buffer, bytes.byteOffset, length / 4));
        }
        offset += length;
      }
    }
  }
}

/** Counts 64-bit hashes by open addressing, with one document of each for its site. */
class LineTable {
  /** Four words a slot, up to four slots a record: twice the records, up to the next power of two. */
  static readonly BYTES_A_RECORD = 64;
  readonly #words: Uint32Array;
  readonly #mask: number;

  constructor(records: number) {
    const slots = 2 ** Math.ceil(Math.log2(2 * records));
    this.#words = new Uint32Array(4 * slots);
    this.#mask = slots - 1;
  }

  count(high: number, low: number, document: number): void {
    const words = this.#words;
    const mask = this.#mask;
    let slot = low & mask;
    while (words[4 * slot + 2]! > 0 && (words[4 * slot] !== high || words[4 * slot + 1] !== low)) {
      slot = (slot + 1) & mask;
    }
    words[4 * slot] = high;
    words[4 * slot + 1] = low;
    words[4 * slot + 2]!++;
    words[4 * slot + 3] = document;
  }

  each(use: (high: number, low: number, count: number, document: number) => void): void {
    const words = this.#words;
    for (let at = 0; at < words.length; at += 4) {
      if (words[at + 2]! > 0) use(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!);
    }
  }
}

export const repeatedLinesStage = corpusStage({
  label: { zh: '站内重复行', en: 'Lines repeated on a site' },
  names: {
    'only-repeated-lines': { zh: '只剩重复行', en: 'only repeated lines' },
  },
  meta: {
    repeatedLines: '删去的站内重复行数 lines taken out because they repeat across the site',
  },
  schema,
});
