/** The decisions that need the whole corpus: which documents are copies, which belong together, which split each goes to. */
import { firstCopies, nearDuplicates } from './duplicates.ts';
import { SPLITS } from './manifest.ts';
import type { Recipe } from './recipe.ts';
import { mix } from './shingles.ts';
import type { SpilledCorpus } from './spilled-corpus.ts';

export type Decisions = {
  /** For each document the first with the same content; a document is kept where it is its own first. */
  first: Int32Array;
  /** For each kept document the first of its near-duplicate cluster; -1 for dropped copies. */
  cluster: Int32Array;
  /** For each kept document the index of its split in SPLITS; -1 for dropped copies. */
  split: Int8Array;
  /** Exact Jaccard comparisons that were made. */
  comparisons: number;
};

export function decide(recipe: Recipe, corpus: SpilledCorpus, onBand: (done: number, of: number) => void): Decisions {
  const exact = recipe.stages.some((stage) => stage.use === 'exact-duplicates');
  const own = Int32Array.from({ length: corpus.documents }, (_, i) => i);
  const first = exact ? firstCopies(corpus.digests) : own;
  const { cluster, comparisons } = clusters(recipe, corpus, first, onBand);
  return { first, cluster, split: splits(recipe, corpus, cluster), comparisons };
}

function clusters(
  recipe: Recipe,
  corpus: SpilledCorpus,
  first: Int32Array,
  onBand: (done: number, of: number) => void,
) {
  const stage = recipe.stages.find((s) => s.use === 'near-duplicates');
  if (stage === undefined) return { cluster: first.map((f, i) => (f === i ? i : -1)), comparisons: 0 };
  return nearDuplicates({
    keys: corpus.keys,
    bands: stage.bands,
    similarity: stage.similarity,
    isKept: (i) => first[i] === i,
    shinglesOf: (i) => corpus.shingles(i),
    onBand: (done) => onBand(done, stage.bands),
  });
}

/**
 * A cluster goes where the content digest of its first document sends it, so that near-duplicates never stand on both
 * sides, and a text stays on its side when the corpus grows.
 */
function splits(recipe: Recipe, corpus: SpilledCorpus, cluster: Int32Array): Int8Array {
  const { validation, test, seed } = recipe.split;
  const salt = mix(seed + 1);
  return Int8Array.from(cluster, (first) => {
    if (first < 0) return -1;
    const digest = corpus.digests;
    const draw = mix(digest[4 * first]! ^ mix(digest[4 * first + 1]! ^ salt)) / 2 ** 32;
    if (draw < validation) return SPLITS.indexOf('validation');
    return SPLITS.indexOf(draw < validation + test ? 'test' : 'train');
  });
}
