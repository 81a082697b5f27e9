/**
 * Which solved examples stand in front of a question, and in which order. Seeded: the same seed gives the same examples on
 * every machine.
 */

import { seededRandom, shuffledIndices } from '../random.ts';
import type { Example } from '../tasks/task.ts';
import { CharacterSimilarity } from './character-similarity.ts';

/** `seed`: at random; `balanced`: as many of every label as possible; `similar`: those most like the question. */
export type ShotChoice = 'seed' | 'balanced' | 'similar';

/**
 * Chooses `shots` of the pool for each question. The last stands next to the question: of similar ones the most similar.
 * @param pool solved examples
 */
export function exampleChooser(
  pool: readonly Example[],
  labels: readonly string[],
  { shots, choice, seed }: { readonly shots: number; readonly choice: ShotChoice; readonly seed: number },
): (question: Example) => readonly Example[] {
  const random = seededRandom(seed);
  const shuffled = shuffledIndices(pool.length, random).map((i) => pool[i]!);
  if (choice === 'similar') return similarChooser(shuffled, shots);
  const chosen = choice === 'seed' ? shuffled.slice(0, shots) : balanced(shuffled, labels, shots, random);
  return () => chosen;
}

/** One of every label, then a second of every label … as long as there are any; then shuffled as a whole. */
function balanced(
  shuffled: readonly Example[],
  labels: readonly string[],
  shots: number,
  random: () => number,
): readonly Example[] {
  const byLabel = Map.groupBy(shuffled, ({ gold }) => gold);
  const order = shuffledIndices(labels.length, random).map((i) => labels[i]!);
  const chosen: Example[] = [];
  const most = Math.max(0, ...[...byLabel.values()].map(({ length }) => length));
  for (let round = 0; round < most; round++) {
    for (const label of order) {
      const example = byLabel.get(label)?.[round];
      if (example !== undefined && chosen.length < shots) chosen.push(example);
    }
  }
  return shuffledIndices(chosen.length, random).map((i) => chosen[i]!);
}

function similarChooser(shuffled: readonly Example[], shots: number): (question: Example) => readonly Example[] {
  const similarity = new CharacterSimilarity(shuffled.map(textOf));
  return (question) => {
    const scores = similarity.scores(textOf(question));
    const best = scores.map((_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b);
    return best
      .slice(0, shots)
      .reverse()
      .map((i) => shuffled[i]!);
  };
}

function textOf({ fields }: Example): string {
  return Object.values(fields).join('\n');
}

/** The examples in the order of this number: 0 is the order given, every other a permutation of its own. */
export function permuted(examples: readonly Example[], order: number): readonly Example[] {
  if (order === 0) return examples;
  return shuffledIndices(examples.length, seededRandom(order)).map((i) => examples[i]!);
}
