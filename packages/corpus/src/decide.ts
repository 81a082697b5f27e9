/** The decisions that need the whole corpus: which documents are dropped for which others, which split each goes to. */
import { bestCopies } from './duplicates/best-copies.ts';
import { firstCopies } from './duplicates/exact-duplicates.ts';
import { nearDuplicates } from './duplicates/near-duplicates.ts';
import { repeatedLines } from './duplicates/repeated-lines.ts';
import { mix } from './duplicates/shingles.ts';
import type { LineSet } from './duplicates/site-lines.ts';
import { SPLITS } from './manifest.ts';
import type { Recipe } from './recipe.ts';
import type { CorpusStageOptions } from './recipe-stages.ts';
import type { SpilledCorpus } from './spilled-corpus.ts';

export type Decisions = {
  /** For each document 0 where it is kept, else 1 + the index in DROPS of what dropped it. */
  dropped: Uint8Array;
  /** For each document dropped as a copy the one that is kept for it; itself for all others. */
  keptFor: Int32Array;
  /** For each document the first of its near-duplicate cluster; -1 for exact copies. */
  cluster: Int32Array;
  /** For each kept document the index of its split in SPLITS; -1 for dropped ones. */
  split: Int8Array;
  /** Lines to take out, and 1 for each kept document that has some; undefined without the stage. */
  repeated: { lines: LineSet; has: Uint8Array } | undefined;
  /** Exact Jaccard comparisons that were made. */
  comparisons: number;
};

/** What a corpus stage drops, in the order of the stages. */
export const DROPS = [
  { stage: 'exact-duplicates', reason: 'duplicate' },
  { stage: 'near-duplicates', reason: 'near-duplicate' },
  { stage: 'repeated-lines', reason: 'only-repeated-lines' },
] as const;
const [EXACT, NEAR, LINES] = [1, 2, 3];

export type DecideOptions = {
  /** Documents before this one belong to a corpus that is being added to: they stay as they are. 0 where absent. */
  existing?: number;
  /** Bytes for tables, besides about 50 bytes a document; 512 MiB where absent. It does not change the result. */
  memory?: number;
};

export function decide(
  recipe: Recipe,
  corpus: SpilledCorpus,
  onBand: (done: number, of: number) => void,
  { existing = 0, memory = 512 * 2 ** 20 }: DecideOptions = {},
): Decisions {
  const { documents, signatures, digests } = corpus;
  const stage = <U extends CorpusStageOptions['use']>(use: U) =>
    recipe.stages.find((s): s is Extract<CorpusStageOptions, { use: U }> => s.use === use);
  const dropped = new Uint8Array(documents);
  const keptFor = Int32Array.from(dropped, (_, i) => i);
  /** Drops the documents for which `copies` names another one. */
  const dropCopies = (copies: Int32Array, why: number) => {
    for (let i = existing; i < documents; i++) {
      if (dropped[i] !== 0 || copies[i] === i) continue;
      dropped[i] = why;
      keptFor[i] = copies[i]!;
    }
  };

  if (stage('exact-duplicates') !== undefined) dropCopies(firstCopies(digests), EXACT!);
  let cluster: Int32Array = Int32Array.from(dropped, (drop, i) => (drop === 0 ? i : -1));
  let comparisons = 0;
  const near = stage('near-duplicates');
  if (near !== undefined) {
    ({ cluster, comparisons } = nearDuplicates({
      documents,
      bands: near.bands,
      similarity: near.similarity,
      takesPart: (i) => dropped[i] === 0,
      readBand: (band, take) => signatures.readBand(band, take),
      setSize: (i) => signatures.setSize(i),
      shinglesOf: (i) => signatures.shingles(i),
      memory,
      onBand: (done) => onBand(done, near.bands),
    }));
    if (near.keep !== undefined) {
      const rank = { quality: signatures.column('quality'), content: signatures.column('content') };
      dropCopies(bestCopies(cluster, near.keep, rank, existing), NEAR!);
    }
  }
  const lines = stage('repeated-lines');
  let repeated: Decisions['repeated'];
  if (lines !== undefined) {
    const found = repeatedLines(signatures, lines, (i) => dropped[i] === 0, memory);
    for (let i = existing; i < documents; i++) if (found.effect[i] === 2) dropped[i] = LINES!;
    repeated = { lines: found.lines, has: found.effect.map((effect, i) => (i >= existing && effect === 1 ? 1 : 0)) };
  }
  followCopies(keptFor, dropped);
  return { dropped, keptFor, cluster, split: splits(recipe, digests, cluster, dropped), repeated, comparisons };
}

/** An exact copy of a document that was dropped for a nearly equal one is represented by that one. */
function followCopies(keptFor: Int32Array, dropped: Uint8Array): void {
  for (let i = 0; i < keptFor.length; i++) if (dropped[i] === EXACT) keptFor[i] = keptFor[keptFor[i]!]!;
}

/**
 * A cluster goes where the content digest of its first document sends it, so that near-duplicates never stand on both
 * sides, and a text stays on its side when the corpus grows.
 */
function splits(recipe: Recipe, digests: Uint32Array, cluster: Int32Array, dropped: Uint8Array): Int8Array {
  const { validation, test, seed } = recipe.split;
  const salt = mix(seed + 1);
  return Int8Array.from(cluster, (first, i) => {
    if (dropped[i] !== 0) return -1;
    const draw = mix(digests[4 * first]! ^ mix(digests[4 * first + 1]! ^ salt)) / 2 ** 32;
    if (draw < validation) return SPLITS.indexOf('validation');
    return SPLITS.indexOf(draw < validation + test ? 'test' : 'train');
  });
}
