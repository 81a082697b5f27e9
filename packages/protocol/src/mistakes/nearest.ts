/** The known name that somebody probably meant. */
import type { Said } from '@tunan/files';

/** The known word fewest letters away, if these are fewer than half of the word; of several the first. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const fold = (name: string) => name.toLowerCase().replaceAll(/[-_ ]/g, '');
  let best: string | undefined;
  let least = Math.min(3, Math.ceil(fold(word).length / 2));
  for (const name of known) {
    const distance = editDistance(fold(word), fold(name));
    if (distance >= least) continue;
    [best, least] = [name, distance];
  }
  return best;
}

/** «; did you mean "…"?», or nothing. */
export function hintAt(word: string, known: readonly string[]): Said {
  const meant = nearest(word, known);
  if (meant === undefined) return { en: '', zh: '' };
  return { en: `; did you mean "${meant}"?`, zh: `；是否想写“${meant}”？` };
}

/** Insertions, deletions, substitutions and swaps of neighbours (Damerau 1964, the restricted form). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1);
      }
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}
