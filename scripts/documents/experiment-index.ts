/** The index of docs/experiments.md: each entry with the day on which it was made. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { betweenMarks, type Page } from './page.ts';

const file = path.resolve(import.meta.dirname, '../../docs/experiments.md');

/** What GitHub makes of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    .replaceAll(' ', '-');

/** @throws where an entry does not begin with its date */
export function experimentIndex(): Page[] {
  const [, ...entries] = readFileSync(file, 'utf8').split(/^## /m);
  const rows = entries.map((entry) => {
    const found = /^(.+)\n\n(\d{4}-\d\d-\d\d)/.exec(entry);
    if (found === null) throw new Error(`docs/experiments.md: "${entry.split('\n')[0]}" does not begin with its date`);
    const [, heading, date] = found;
    return `| [${heading}](#${anchorOf(heading!)}) | ${date} |`;
  });
  return [{ file, wanted: betweenMarks(file, 'entries', ['| entry | date |', '|---|---|', ...rows].join('\n')) }];
}
