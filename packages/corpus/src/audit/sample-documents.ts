/** A random sample of a corpus that is the same on every machine: the documents whose ids hash smallest under a seed. */
import { hash } from 'node:crypto';
import { SPLITS } from '../directory/manifest.ts';
import { openCorpus } from '../directory/open-corpus.ts';
import type { Document } from '../document.ts';

/** In the order of the hash, so that the first n of a larger sample are the smaller sample. */
export async function sampleDocuments(directory: string, size: number, seed: number): Promise<Document[]> {
  const corpus = openCorpus(directory);
  let sample: { rank: string; document: Document }[] = [];
  const smallest = () => sample.sort((a, b) => (a.rank < b.rank ? -1 : 1)).slice(0, size);
  let bound: string | undefined;
  for (const split of SPLITS) {
    for await (const document of corpus.documents(split)) {
      const rank = hash('sha256', `${seed} ${document.id}`);
      if (bound !== undefined && rank > bound) continue;
      sample.push({ rank, document });
      if (sample.length < 2 * size) continue;
      sample = smallest();
      bound = sample.at(-1)!.rank;
    }
  }
  return smallest().map(({ document }) => document);
}
