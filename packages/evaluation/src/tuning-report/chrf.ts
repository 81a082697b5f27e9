/**
 * chrF (Popović 2015) as sacrebleu 2 computes it with its defaults: character n-grams of 1 to 6, white space left out, recall weighing
 * twice as much as precision, orders that one side lacks not counted. Of several answers the counts are summed before the score is taken.
 */

const ORDERS = 6;
/** Recall weighs beta times precision. */
const BETA = 2;
/** n-grams of the answer, of the reference and common to both, for each order. */
export const CHRF_COUNTS = 3 * ORDERS;

/** The counts of one answer, CHRF_COUNTS of them. */
export function chrfCounts(answer: string, reference: string): Float64Array {
  const counts = new Float64Array(CHRF_COUNTS);
  const [given, wanted] = [answer, reference].map((text) => [...text.replace(/\s+/gu, '')]) as [string[], string[]];
  for (let order = 1; order <= ORDERS; order++) {
    const [there, asked] = [grams(given, order), grams(wanted, order)];
    let common = 0;
    for (const [gram, count] of there) common += Math.min(count, asked.get(gram) ?? 0);
    const askedCount = Math.max(0, wanted.length - order + 1);
    counts.set([askedCount > 0 ? Math.max(0, given.length - order + 1) : 0, askedCount, common], 3 * (order - 1));
  }
  return counts;
}

/** From 0 to 100. @param counts summed over the answers */
export function chrfOf(counts: Float64Array): number {
  let [precision, recall, orders] = [0, 0, 0];
  for (let order = 0; order < ORDERS; order++) {
    const [given, wanted, common] = counts.subarray(3 * order, 3 * order + 3) as unknown as [number, number, number];
    if (given === 0 || wanted === 0) continue;
    precision += common / given;
    recall += common / wanted;
    orders++;
  }
  if (precision + recall === 0) return 0;
  const factor = BETA ** 2;
  return (100 * (1 + factor) * (precision / orders) * (recall / orders)) / ((factor * precision + recall) / orders);
}

function grams(characters: readonly string[], order: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let end = order; end <= characters.length; end++) {
    const gram = characters.slice(end - order, end).join('');
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}
