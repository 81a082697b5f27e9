/**
 * The table of packages in docs/architecture.md: what each is, from its package.json, and what it may import, from the constitution that
 * scripts/check-arrows.ts holds all imports to.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { constitution } from '../check-arrows.ts';
import { betweenMarks, type Page } from './page.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** Where a package of that name may lie. */
const folders = (name: string): string[] => [`packages/${name}`, `apps/${name}`, name];

function descriptionOf(folder: string): string {
  const manifest = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8')) as { description: string };
  return manifest.description;
}

/** A package's own entries are part of it. */
function arrowsOf(name: string): string {
  const others = constitution[name]!.filter((target) => !target.startsWith(`${name}/`));
  const entries = constitution[name]!.filter((target) => target.startsWith(`${name}/`));
  const below = entries.flatMap((entry) => constitution[entry] ?? []);
  const all = [...new Set([...others, ...below])].filter((target) => folders(target.split('/')[0]!).some(isThere));
  return all.length === 0 ? '–' : all.join(', ');
}

const isThere = (folder: string): boolean => existsSync(path.join(root, folder, 'package.json'));

/** @throws where the page has no marks */
export function packageTable(): Page[] {
  const rows = Object.keys(constitution).flatMap((name) => {
    const folder = folders(name).find(isThere);
    return folder === undefined
      ? []
      : [`| [\`${folder}\`](../${folder}) | ${descriptionOf(folder)} | ${arrowsOf(name)} |`];
  });
  const table = ['| package | what it is | may import |', '|---|---|---|', ...rows].join('\n');
  const file = path.join(root, 'docs/architecture.md');
  return [{ file, wanted: betweenMarks(file, 'packages', table) }];
}
