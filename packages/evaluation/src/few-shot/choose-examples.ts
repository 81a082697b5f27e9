/**
 * Which solved examples stand in front of a question, and in which order. Seeded: the same seed gives the same examples on
 * every machine.
 */

import { seededRandom, shuffledIndices } from '../random.ts';
import type { Example } from '../tasks/task.ts';
import { CharacterSimilarity } from './character-similarity.ts';

/** `seed`: at random; `balanced`: as many of every label as possible; `similar`: those most like the question. */
export type ShotChoice = 'seed' | 'balanced' | 'similar';

interface Choosing {
  readonly shots: number;
  readonly choice: ShotChoice;
  readonly seed: number;
  /** Number of the pool among those of the same seed, from 0: other pools draw otherwise. */
  readonly draw: number;
}

/**
 * Chooses `shots` of the pool for each question. The last stands next to the question: of similar ones the most similar.
 * @param pool solved examples
 * @returns takes a question and the examples of the pool that give its answer away: `similar` leaves those out
 */
export function exampleChooser(
  pool: readonly Example[],
  labels: readonly string[],
  choosing: Choosing,
): (question: Example, telltale?: ReadonlySet<Example>) => readonly Example[] {
  const { shots, choice, seed, draw } = choosing;
  const random = seededRandom(Math.imul(draw, 0x9e37_79b1) ^ seed);
  const shuffled = shuffledIndices(pool.length, random).map((i) => pool[i]!);
  if (choice === 'similar') return similarChooser(shuffled, shots);
  const chosen = choice === 'seed' ? shuffled.slice(0, shots) : balanced(shuffled, labels, choosing, random);
  return () => chosen;
}

/**
 * One of every label, then a second of every label … as long as there are any; then shuffled as a whole.
 *
 * What models make of the labels they see, and of the last one above all, must not be the same in all pools: each
 * begins at another place of one seeded circle of the labels, shows the labels from there on where there is no room for all, and ends
 * with the label that it begins with.
 */
function balanced(
  shuffled: readonly Example[],
  labels: readonly string[],
  { shots, seed, draw }: Choosing,
  random: () => number,
): readonly Example[] {
  const byLabel = Map.groupBy(shuffled, ({ gold }) => gold);
  const circle = shuffledIndices(labels.length, seededRandom(seed)).map((i) => labels[i]!);
  const steps = draw * (shots % labels.length || 1);
  const start = (steps + Math.floor(steps / labels.length)) % labels.length;
  const order = [...circle.slice(start), ...circle.slice(0, start)];
  const chosen: Example[] = [];
  const most = Math.max(0, ...[...byLabel.values()].map(({ length }) => length));
  for (let round = 0; round < most; round++) {
    for (const label of order) {
      const example = byLabel.get(label)?.[round];
      if (example !== undefined && chosen.length < shots) chosen.push(example);
    }
  }
  const mixed = shuffledIndices(chosen.length, random).map((i) => chosen[i]!);
  const last = mixed.findIndex(({ gold }) => gold === order[0]);
  return last < 0 ? mixed : [...mixed.toSpliced(last, 1), mixed[last]!];
}

function similarChooser(
  shuffled: readonly Example[],
  shots: number,
): (question: Example, telltale?: ReadonlySet<Example>) => readonly Example[] {
  const similarity = new CharacterSimilarity(shuffled.map(textOf));
  return (question, telltale) => {
    const scores = similarity.scores(textOf(question));
    const best = scores
      .map((_, i) => i)
      .filter((i) => !telltale?.has(shuffled[i]!))
      .sort((a, b) => scores[b]! - scores[a]! || a - b);
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
