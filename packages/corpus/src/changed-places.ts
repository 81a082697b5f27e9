/**
 * Where two versions of a text differ, for a person to look at: the first places, shortened, line against line. It is no
 * complete difference: lines that were moved, or changed at two places, are shown once.
 */

/** `before` or `after` is empty where a line is new or gone. */
export interface ChangedPlace {
  before: string;
  after: string;
}

const MOST_PLACES = 3;
/** Characters shown ahead of the first difference, and in all. */
const AHEAD = 6;
const MOST_SHOWN = 48;

export function changedPlaces(before: string, after: string): ChangedPlace[] {
  if (before === after || before === '') return [];
  return pairs(before.split('\n'), after.split('\n')).slice(0, MOST_PLACES).map(shortened);
}

/** Lines at the same place where there are as many, else the lines that only one of the texts has. */
function pairs(before: string[], after: string[]): ChangedPlace[] {
  if (before.length === after.length) {
    return before.flatMap((line, at) => (line === after[at] ? [] : [{ before: line, after: after[at]! }]));
  }
  const [old, now] = [new Set(before), new Set(after)];
  const gone = before.filter((line) => !now.has(line) && line.trim() !== '');
  const added = after.filter((line) => !old.has(line) && line.trim() !== '');
  return Array.from({ length: Math.max(gone.length, added.length) }, (_, at) => ({
    before: gone[at] ?? '',
    after: added[at] ?? '',
  }));
}

function shortened({ before, after }: ChangedPlace): ChangedPlace {
  const [old, now] = [[...before], [...after]];
  let same = 0;
  while (same < old.length && same < now.length && old[same] === now[same]) same++;
  const from = Math.max(0, same - AHEAD);
  return { before: part(old, from), after: part(now, from) };
}

function part(characters: string[], from: number): string {
  if (characters.length === 0) return '';
  const shown = characters.slice(from, from + MOST_SHOWN).join('');
  return `${from > 0 ? '…' : ''}${shown}${from + MOST_SHOWN < characters.length ? '…' : ''}`;
}
