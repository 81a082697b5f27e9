/**
 * Pattern search in the logarithms (Hooke, Jeeves 1961): each constant up and down by a step that halves until it is no more than `least`.
 *
 * @param names of those that are moved
 * @param cost of some constants, to be as small as can be
 */
export function patternSearch<Constants extends object>(
  begin: Constants,
  names: readonly (keyof Constants)[],
  cost: (constants: Constants) => number,
  { first, least }: { readonly first: number; readonly least: number },
): Constants {
  let best = begin;
  for (let step = first; step > least; step /= 2) {
    for (let moved = true; moved; ) {
      moved = false;
      for (const name of names) {
        for (const factor of [Math.exp(step), Math.exp(-step)]) {
          const next = { ...best, [name]: (best[name] as number) * factor };
          if (cost(next) >= cost(best) - 1e-9) continue;
          best = next;
          moved = true;
        }
      }
    }
  }
  return best;
}
