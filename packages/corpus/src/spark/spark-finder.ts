/** Duplicates as Spark's joins found them. */
import { join } from 'node:path';
import { join as joinPair, roots, singletons } from '../duplicates/components.ts';
import { firstCopies } from '../duplicates/exact-duplicates.ts';
import type { DuplicateFinder } from '../duplicates/finder.ts';
import type { NearDuplicates, NearStageOptions } from '../duplicates/near-duplicates.ts';
import type { LineOptions, RepeatedLines } from '../duplicates/repeated-lines.ts';
import { LineSet } from '../duplicates/site-lines.ts';
import type { SparkCorpus } from './spark-corpus.ts';
import { jsonRows, reconcile, writeLines } from './text-files.ts';

export interface FinderTask {
  corpus: SparkCorpus;
  /** Where the scripts put what they found. */
  folder: string;
  /** Different contents, and pairs that were compared, as SQL counted them. */
  counts: { contents: number; candidates: number };
  /** Runs the script that compares the pairs of `named-pairs.txt`; the folder with those that are alike. */
  comparePairs: (round: number) => Promise<string>;
  /** Runs the script of stage `repeated-lines`. */
  findLines: (options: LineOptions) => Promise<void>;
}

export class SparkFinder implements DuplicateFinder {
  readonly #task: FinderTask;
  #rounds = 0;

  constructor(task: FinderTask) {
    this.#task = task;
  }

  firstCopies(): Int32Array {
    const first = firstCopies(this.#task.corpus.digests);
    reconcile(
      'different contents',
      this.#task.counts.contents,
      first.reduce((n, f, i) => n + (f === i ? 1 : 0), 0),
    );
    return first;
  }

  async nearDuplicates(_: NearStageOptions, takesPart: (document: number) => boolean): Promise<NearDuplicates> {
    const { corpus, folder, counts } = this.#task;
    const parent = singletons(corpus.documents, takesPart);
    for await (const { a, b } of jsonRows<{ a: number; b: number }>(join(folder, 'pairs'))) {
      joinPair(parent, corpus.ofSqlNumber(a), corpus.ofSqlNumber(b));
    }
    return { cluster: roots(parent), comparisons: counts.candidates };
  }

  async alike(_: NearStageOptions, kept: Int32Array, others: Int32Array): Promise<Uint8Array> {
    const { corpus, folder, comparePairs } = this.#task;
    const found = new Uint8Array(kept.length);
    if (kept.length === 0) return found;
    const rows = kept.entries().map(([i, a]) => ({ a: corpus.sqlNumber(a), b: corpus.sqlNumber(others[i]!) }));
    writeLines(
      join(folder, 'named-pairs.txt'),
      rows.map((row) => JSON.stringify(row)),
    );
    const answer = await comparePairs(this.#rounds++);
    const places = new Map(others.entries().map(([i, other]) => [other, i]));
    for await (const { b } of jsonRows<{ a: number; b: number }>(answer)) found[places.get(corpus.ofSqlNumber(b))!] = 1;
    return found;
  }

  rank(): { quality: Uint32Array; content: Uint32Array } {
    return this.#task.corpus;
  }

  async repeatedLines(options: LineOptions, takesPart: (document: number) => boolean): Promise<RepeatedLines> {
    const { corpus, folder, findLines } = this.#task;
    writeLines(join(folder, 'gone.txt'), numbersWithout(corpus, takesPart));
    await findLines(options);
    const hashes: number[] = [];
    for await (const { high, low } of jsonRows<{ high: number; low: number }>(join(folder, 'repeated-lines'))) {
      hashes.push(high, low);
    }
    const effect = new Uint8Array(corpus.documents);
    for await (const { doc, left } of jsonRows<{ doc: number; left: number }>(join(folder, 'lines-lost'))) {
      effect[corpus.ofSqlNumber(doc)] = left < options.minLeft ? 2 : 1;
    }
    return { lines: LineSet.of(Uint32Array.from(hashes)), effect };
  }
}

function* numbersWithout(corpus: SparkCorpus, takesPart: (document: number) => boolean): Generator<string> {
  for (let i = 0; i < corpus.documents; i++) if (!takesPart(i)) yield String(corpus.sqlNumber(i));
}
