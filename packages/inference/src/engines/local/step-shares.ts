/**
 * How the tokens of a step are shared out among the sequences of the batch.
 *
 * Everyone gets one. Of the rest one half is shared evenly, so that a short prompt is not held up by long ones; the other half goes to
 * who came first, so that long prompts are read one after the other and not all at their slowest.
 */

/**
 * @param needs tokens that each sequence has to be fed, one at least, the earliest first
 * @param budget tokens of the step
 * @returns for each no more than it needs; all of `needs`, or as many as there are in `budget` or sequences
 */
export function stepShares(needs: readonly number[], budget: number): number[] {
  const shares = needs.map(() => 1);
  let rest = budget - needs.length;
  const give = (place: number, tokens: number) => {
    const given = Math.max(0, Math.min(tokens, needs[place]! - shares[place]!, rest));
    shares[place]! += given;
    rest -= given;
  };
  const byNeed = needs.map((_, place) => place).sort((a, b) => needs[a]! - needs[b]! || a - b);
  let even = Math.floor(rest / 2);
  byNeed.forEach((place, before) => {
    const had = shares[place]!;
    give(place, Math.floor(even / (byNeed.length - before)));
    even -= shares[place]! - had;
  });
  for (const place of needs.keys()) give(place, rest);
  return shares;
}
