/** Commands that documents quote exist, with the options that they are quoted with. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { commandTable } from './command-table.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const files = globSync(['*.md', 'docs/**/*.md', 'packages/*/README*.md', 'apps/*/README.md', 'recipes/**/README.md'], {
  cwd: root,
});
const everywhere = ['help', 'lang', 'debug', 'version', 'json'];

/** What follows `tunan` in a line of code or a code span, up to what a shell would not hand on. */
function quoted(content: string): string[] {
  const code = [...content.matchAll(/^```\w*\n(.*?)^```$/gms)].flatMap(([, block]) => block!.split('\n'));
  const spans = [...content.replace(/^```.*?^```$/gms, '').matchAll(/`([^`\n]+)`/g)].map(([, span]) => span!);
  return [...code, ...spans].flatMap((line) => {
    const words = /^(?:\w+=\S+ )?(?:npx tunan|npm run tunan --|tunan) ([a-z-].*)$/.exec(line.trim())?.[1];
    return words === undefined ? [] : [words.split(/ [<>|#…]|\s{2,}/)[0]!];
  });
}

async function problemWith(line: string): Promise<string | undefined> {
  const words = line.split(' ');
  if (words[0]!.startsWith('-')) return undefined;
  const entry = commandTable.find(({ name }) => `${line} `.startsWith(`${name} `));
  if (entry === undefined)
    return commandTable.some(({ name }) => name.startsWith(`${line} `)) ? undefined : 'no command';
  const known = [...Object.keys((await entry.load()).options), ...everywhere];
  const flags = words.filter((word) => /^--[a-z]/.test(word)).map((word) => /^--([a-z-]+)/.exec(word)![1]!);
  const unknown = flags.filter((flag) => !known.includes(flag));
  return unknown.length === 0 ? undefined : `no option --${unknown.join(', --')}`;
}

test('every command in a document is one of the table, and takes the options that it is shown with', async () => {
  const problems: string[] = [];
  let seen = 0;
  for (const file of files) {
    for (const line of quoted(readFileSync(path.join(root, file), 'utf8'))) {
      seen++;
      const problem = await problemWith(line);
      if (problem !== undefined) problems.push(`${file}: tunan ${line}: ${problem}`);
    }
  }
  assert.deepEqual(problems, []);
  assert.ok(seen > 100);
});
