/**
 * The time of the ledger: the system's when the process began, and from there on by a clock that nobody can set. A system clock that jumps
 * while the server runs neither opens new windows nor closes running ones.
 */

/** ms since 1970 */
export type Clock = () => number;

export function steadyClock(): Clock {
  const begun = Date.now() - performance.now();
  let last = 0;
  return () => {
    last = Math.max(last, Math.floor(begun + performance.now()));
    return last;
  };
}
