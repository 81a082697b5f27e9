/** README.md beside exported files: a section for each. Those of other files, and what people wrote between, stay as they are. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { writeWhole } from '@tunan/files';

/**
 * Puts the section of a file into the card, in the place of its earlier one.
 * @param head of a card that is not there yet
 * @throws WriteError
 */
export function writeCardSection(directory: string, name: string, head: string, section: string): void {
  const card = path.join(directory, 'README.md');
  const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const marked = `${start}\n${section}\n${end}\n`;
  const before = existsSync(card) ? readFileSync(card, 'utf8') : head;
  const [at, to] = [before.indexOf(start), before.indexOf(end)];
  const known = at >= 0 && to > at;
  const written = known
    ? before.slice(0, at) + marked + before.slice(to + end.length).replace(/^\n/, '')
    : `${before.trimEnd()}\n\n${marked}`;
  writeWhole(card, written);
}

/** A table of two columns, without headings. */
export function tableOf(rows: readonly (readonly [string, string])[]): string {
  return `| | |\n|---|---|\n${rows.map(([key, value]) => `| ${key} | ${value} |`).join('\n')}`;
}
