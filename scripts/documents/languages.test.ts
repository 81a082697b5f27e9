import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { documents } from './documents.ts';

const contents = new Map(documents().map(({ file, content }) => [file, content]));

/** Pages for those who use tunan stand in both languages; the others speak to those who change it, or keep records. */
const FOR_DEVELOPERS = /^docs\/(decisions\/|experiments\.md|architecture\.md)/;

const guides = [...contents.keys()]
  .filter((file) => /^docs\/(?!zh\/)/.test(file) && !FOR_DEVELOPERS.test(file))
  .map((file): [english: string, chinese: string] => [file, file.replace('docs/', 'docs/zh/')]);
const pairs: readonly (readonly [english: string, chinese: string])[] = [
  ['README.md', 'README.zh-CN.md'],
  ['CONTRIBUTING.md', 'docs/zh/CONTRIBUTING.md'],
  ...guides,
];

const linkTo = (from: string, to: string): string => `](${path.relative(path.dirname(from), to)})`;

for (const [english, chinese] of pairs)
  test(`${english} stands in Chinese too, and both lead to each other`, () => {
    assert.ok(contents.get(chinese)?.includes(linkTo(chinese, english)), `${chinese} with a link to ${english}`);
    assert.ok(contents.get(english)?.includes(linkTo(english, chinese)), `a link from ${english} to ${chinese}`);
  });

test('no page stands in Chinese alone', () => {
  const known = new Set(pairs.map(([, chinese]) => chinese));
  assert.deepEqual(
    [...contents.keys()].filter((file) => file.startsWith('docs/zh/') && !known.has(file)),
    [],
  );
});

/** Numbers with a decimal point in the rows of tables: what was measured. Whole numbers are written otherwise (10 M, 1000 万). */
function figures(file: string): string[] {
  const rows = contents.get(file)!.match(/^\|.*$/gm) ?? [];
  return (rows.join('\n').match(/\d+(?: \d+)*\.\d+/g) ?? []).sort();
}

for (const name of ['corpus', 'evaluation', 'performance'])
  test(`the tables of docs/${name}.md have the same figures in Chinese`, () => {
    assert.deepEqual(figures(`docs/zh/${name}.md`), figures(`docs/${name}.md`));
  });
