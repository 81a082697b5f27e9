/** Which blocks are kept, from the probability of each. */
import type { PageContext } from './page-context.ts';

/** A choice of blocks; `confidence` is the F1 that the model expects of it, `highest` the greatest probability. */
export interface Choice {
  kept: number[];
  confidence: number;
  highest: number;
}

/** The bounds within which the threshold of a page may fall. */
const LOWEST = 0.2;
const HIGHEST = 0.6;

/** Paragraphs this long stand in an article once; pages for printing and sharing hold them twice. */
const REPEATABLE = 30;

/** The most likely blocks, as many as promise the best F1 (twice the right over the kept and the right). */
export function bestChoice({ blocks, counts }: PageContext, probabilities: Float64Array): Choice {
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
  const right = order.reduce((sum, i) => sum + probabilities[i]! * counts[i]!.characters, 0);
  let hits = 0;
  let size = 0;
  let confidence = 0;
  let threshold = 1;
  for (const i of order) {
    hits += probabilities[i]! * counts[i]!.characters;
    size += counts[i]!.characters;
    const expected = (2 * hits) / (size + right + 1);
    if (expected > confidence) {
      confidence = expected;
      threshold = probabilities[i]!;
    }
  }
  const least = Math.min(Math.max(threshold, LOWEST), HIGHEST);
  const seen = new Set<string>();
  const kept: number[] = [];
  blocks.forEach(({ text }, i) => {
    if (probabilities[i]! < least) return;
    if (text.length >= REPEATABLE) {
      if (seen.has(text)) return;
      seen.add(text);
    }
    kept.push(i);
  });
  return { kept, confidence, highest: probabilities[order[0]!]! };
}
