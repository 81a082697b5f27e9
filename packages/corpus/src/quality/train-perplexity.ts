/** Trains the model of stage `perplexity` and writes it, model.json last. */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { writeWhole } from '@tunan/files';
import { openCorpus } from '../directory/open-corpus.ts';
import { makeFolder } from '../directory/output-directory.ts';
import { CorpusError, writeProblem } from '../errors.ts';
import { readJsonLines } from '../reading/json-lines.ts';
import { NgramCounter, type NgramTable, perplexity } from '../stages/character-ngrams.ts';
import { COUNTS, MODEL, type PerplexityModel } from '../stages/perplexity-model.ts';
import { requireFile } from './require-file.ts';

export interface TrainPerplexityOptions {
  readonly out: string;
  /** Characters of the longest n-gram; 4 unless told. */
  readonly order?: number;
  /** The table has 2 to this power of slots of 12 bytes; 22 (50 MB) unless told. */
  readonly slotBits?: number;
  /**
   * JSON lines or a corpus of what will be sorted: the limits are then its terciles, as in CCNet (Wenzek et al. 2020). Without it every
   * tenth document of the reference is set aside, and head and middle take 60 and 95 % of those.
   */
  readonly sample?: string | undefined;
  onProgress?(documents: number): void;
}

/** Documents to read the limits from are enough at this number. */
const MOST_SAMPLED = 20_000;

/** @returns documents counted and the limits @throws CorpusError where a file or line is at fault, or there is no text */
export async function trainPerplexity(
  reference: string,
  options: TrainPerplexityOptions,
): Promise<{ documents: number; limits: PerplexityModel['limits']; sampled: number }> {
  const { order = 4, slotBits = 22, sample, out } = options;
  if (!Number.isInteger(order) || order < 1 || order > 8) {
    throw new CorpusError('CORPUS_MODEL', {
      en: `order is ${order}; give an integer from 1 to 8`,
      zh: `order 为 ${order}；应为 1 到 8 的整数`,
    });
  }
  const counter = new NgramCounter(order, slotBits);
  const aside: string[] = [];
  let documents = 0;
  let met = 0;
  for await (const text of texts(reference)) {
    met++;
    if (sample === undefined && met % 10 === 0) {
      if (aside.length < MOST_SAMPLED) aside.push(text);
    } else {
      counter.add(text);
      documents++;
    }
    options.onProgress?.(met);
  }
  if (sample !== undefined) {
    for await (const text of texts(sample)) if (aside.length < MOST_SAMPLED) aside.push(text);
  }
  if (documents === 0 || aside.length === 0) {
    throw new CorpusError('CORPUS_EMPTY', {
      en: `${reference} holds too few documents; ten or more are needed`,
      zh: `${reference} 的文档太少；至少需要十篇`,
    });
  }
  const table = counter.table();
  const values = aside.map((text) => perplexity(table, text)).sort((a, b) => a - b);
  const at = (share: number) => values[Math.min(values.length - 1, Math.floor(share * values.length))]!;
  const limits = sample === undefined ? { head: at(0.6), middle: at(0.95) } : { head: at(1 / 3), middle: at(2 / 3) };
  write(out, { table, slotBits, limits, documents });
  return { documents, limits, sampled: aside.length };
}

async function* texts(place: string): AsyncGenerator<string> {
  if (!/\.jsonl?(\.zst|\.gz)?$/.test(place)) {
    for await (const { text } of openCorpus(place).documents('train')) yield text;
    return;
  }
  requireFile(place);
  for await (const { value, line } of readJsonLines(place)) {
    const text = (value as { text?: unknown } | null)?.text;
    if (typeof text !== 'string') {
      throw new CorpusError('CORPUS_MALFORMED_LINE', {
        en: `${place}:${line}: no "text"; fix or remove this line`,
        zh: `${place}:${line}：没有 "text"；请修改或删除这一行`,
      });
    }
    if (text.trim() !== '') yield text;
  }
}

function write(
  out: string,
  {
    table,
    slotBits,
    limits,
    documents,
  }: { table: NgramTable; slotBits: number; limits: PerplexityModel['limits']; documents: number },
): void {
  const columns = [table.keys, table.counts, table.followers].map((column) => Buffer.from(column.buffer));
  const counts = zstdCompressSync(Buffer.concat(columns));
  const { order, units, alphabet } = table;
  const sha256 = createHash('sha256').update(counts).digest('hex');
  const model = { format: 'tunan-perplexity-1', order, slotBits, units, alphabet, limits, documents, sha256 };
  makeFolder(out);
  try {
    rmSync(path.join(out, MODEL), { force: true });
    writeWhole(path.join(out, COUNTS), counts);
    writeWhole(path.join(out, MODEL), `${JSON.stringify(model, undefined, 2)}\n`);
  } catch (error) {
    throw writeProblem(out, error);
  }
}
