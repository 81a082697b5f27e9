/** The decisions that need the whole corpus: which documents are dropped for which others, which split each goes to. */

import { SPLITS } from '../directory/manifest.ts';
import { type Alike, bestCopies } from '../duplicates/best-copies.ts';
import type { DuplicateFinder } from '../duplicates/finder.ts';
import { mix } from '../duplicates/shingles.ts';
import type { LineSet } from '../duplicates/site-lines.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { CorpusStageOptions } from '../stages/stages.ts';

export interface Decisions {
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
}

/** What a corpus stage drops, in the order of the stages. */
export const DROPS = [
  { stage: 'exact-duplicates', reason: 'duplicate' },
  { stage: 'near-duplicates', reason: 'near-duplicate' },
  { stage: 'repeated-lines', reason: 'only-repeated-lines' },
] as const;
const [EXACT, NEAR, LINES] = [1, 2, 3];

/**
 * @param digests 128-bit content digests, four words a document
 * @param existing documents before this one belong to a corpus that is being added to: they stay as they are
 */
export async function decide(
  recipe: Recipe,
  digests: Uint32Array,
  finder: DuplicateFinder,
  existing = 0,
): Promise<Decisions> {
  const documents = digests.length / 4;
  const stage = <U extends CorpusStageOptions['use']>(use: U) =>
    recipe.stages.find((s): s is Extract<CorpusStageOptions, { use: U }> => s.use === use);
  const dropped = new Uint8Array(documents);
  const keptFor = new Int32Array(documents);
  for (let i = 0; i < documents; i++) keptFor[i] = i;
  /** Drops the documents for which `copies` names another one. */
  const dropCopies = (copies: Int32Array, why: number) => {
    for (let i = existing; i < documents; i++) {
      if (dropped[i] !== 0 || copies[i] === i) continue;
      dropped[i] = why;
      keptFor[i] = copies[i]!;
    }
  };
  const isKept = (document: number) => dropped[document] === 0;

  if (stage('exact-duplicates') !== undefined) dropCopies(finder.firstCopies(), EXACT!);
  let cluster: Int32Array = keptFor.map((_, i) => (isKept(i) ? i : -1));
  let comparisons = 0;
  const near = stage('near-duplicates');
  if (near !== undefined) {
    ({ cluster, comparisons } = await finder.nearDuplicates(near, isKept));
    if (near.keep !== undefined) {
      const alike: Alike = (kept, others) => {
        comparisons += kept.length;
        return finder.alike(near, kept, others);
      };
      dropCopies(await bestCopies(cluster, near.keep, finder.rank(), existing, alike), NEAR!);
    }
  }
  const lines = stage('repeated-lines');
  let repeated: Decisions['repeated'];
  if (lines !== undefined) {
    const found = await finder.repeatedLines(lines, isKept);
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
 * sides, and a text stays on its side when the corpus grows. Where all of the few documents would be kept apart, none is: a corpus
 * is there to train on.
 */
function splits(recipe: Recipe, digests: Uint32Array, cluster: Int32Array, dropped: Uint8Array): Int8Array {
  const { validation, test, seed } = recipe.split;
  const salt = mix(seed + 1);
  const sides = new Int8Array(cluster.length).map((_, i) => {
    if (dropped[i] !== 0) return -1;
    const first = cluster[i]!;
    const draw = mix(digests[4 * first]! ^ mix(digests[4 * first + 1]! ^ salt)) / 2 ** 32;
    if (draw < validation) return SPLITS.indexOf('validation');
    return SPLITS.indexOf(draw < validation + test ? 'test' : 'train');
  });
  const train = SPLITS.indexOf('train');
  return sides.includes(train) ? sides : sides.map((side) => (side < 0 ? side : train));
}
