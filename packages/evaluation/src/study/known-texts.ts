/** Which texts stand in a corpus: a model's that are copies of what it learnt, and people's that it has read. */
import { CopySearch } from '../safety/copied-spans.ts';

/** A run of so many characters is a copy; of a shorter text the whole. White space does not count. */
export const COPY_LENGTH = 20;

export interface KnownTexts {
  /** In the order of the texts. */
  readonly known: readonly boolean[];
  readonly documents: number;
}

/** Reads the corpus once; what is held in memory grows with the texts alone. */
export async function findKnown(texts: readonly string[], documents: AsyncIterable<string>): Promise<KnownTexts> {
  const lengths = texts.map((text) => Math.min(COPY_LENGTH, text.replace(/\s+/g, '').length));
  const searches = [...Map.groupBy(texts.keys(), (index) => lengths[index]!)].map(([length, indices]) => {
    const search = new CopySearch(
      indices.map((index) => texts[index]!),
      length,
    );
    return { search, indices };
  });
  let read = 0;
  for await (const document of documents) {
    for (const { search } of searches) search.scan(document);
    read++;
  }
  const known = texts.map(() => false);
  for (const { search, indices } of searches) {
    search.results().forEach(({ longest }, i) => {
      known[indices[i]!] = longest > 0;
    });
  }
  return { known, documents: read };
}
