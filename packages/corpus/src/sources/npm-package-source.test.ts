import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Draft } from '../document.ts';
import { parseRecipe, type Recipe } from '../recipe/recipe.ts';
import { inputsSha256, readUnit, resolveInputs } from './units.ts';

const base = mkdtempSync(join(tmpdir(), 'tunan-npm-'));
after(() => rmSync(base, { recursive: true }));
const around = { base, downloads: join(base, 'downloads') };

const root = join(base, 'node_modules/verse-data');
mkdirSync(join(root, 'data/a'), { recursive: true });
writeFileSync(join(root, 'package.json'), '{"name":"verse-data","version":"1.2.3","exports":"./data/a/p.2.json"}');
const poem = (title: string) => ({ title, author: '甲', paragraphs: ['一二三，', '四五六。'], tags: ['x'] });
writeFileSync(join(root, 'data/a/p.10.json'), JSON.stringify([poem('十')]));
writeFileSync(join(root, 'data/a/p.2.json'), JSON.stringify([poem('二'), { title: '', paragraphs: [] }]));
const book = { title: '书', author: '乙', content: [{ chapter: '篇', paragraphs: ['天地 玄黄'] }], abstract: ['不取'] };
writeFileSync(join(root, 'data/book.json'), JSON.stringify(book));
writeFileSync(join(root, 'data/none.json'), '{"authors":[]}');

function recipe(collections: unknown[], version = '1.2.3'): Recipe {
  return parseRecipe({
    name: 'x',
    title: { en: 'x', zh: 'x' },
    description: { en: 'x', zh: 'x' },
    licence: 'MIT',
    sources: [{ type: 'npm-package', package: 'verse-data', version, licence: 'MIT', root: 'data', collections }],
    stages: [],
    split: { validation: 0, test: 0, seed: 1 },
  });
}

async function read(r: Recipe): Promise<Draft[]> {
  const drafts: Draft[] = [];
  for (const input of await resolveInputs(r, around)) {
    for await (const item of readUnit(r.sources[0]!, input, base)) drafts.push(item as Draft);
  }
  return drafts;
}

const flat = {
  name: 'a',
  files: ['a/p.*.json'],
  lines: ['paragraphs'],
  title: ['title'],
  untitled: '无题',
  dynasty: '唐',
};

test('files in natural order, ids by file and index, title and author and dynasty', async () => {
  const drafts = await read(recipe([flat]));
  assert.deepEqual(
    drafts.map((d) => [d.id, d.title]),
    [
      ['a/p.2#0', '二'],
      ['a/p.2#1', '无题'],
      ['a/p.10#0', '十'],
    ],
  );
  assert.deepEqual(drafts[0], {
    id: 'a/p.2#0',
    source: 'verse-data@1.2.3',
    title: '二',
    body: '一二三，\n四五六。',
    meta: { collection: 'a', dynasty: '唐', author: '甲' },
  });
});

test('chapters of a book are records with the title and author of the book', async () => {
  const nested = { name: 'b', files: ['book.json'], lines: ['paragraphs'], title: ['chapter', 'title'] };
  const [draft] = await read(recipe([{ ...nested, bookTitle: true, spaceAs: '，', lineEnd: '。' }]));
  assert.equal(draft!.title, '书·篇');
  assert.equal(draft!.body, '天地，玄黄。');
  assert.equal(draft!.meta.author, '乙');
});

test('a package that is missing or of another version names the command that installs it', async () => {
  const other = { code: 'CORPUS_SOURCE_MISSING', message: /1\.2\.3 is installed; run: npm install verse-data@9\.9\.9/ };
  await assert.rejects(resolveInputs(recipe([flat], '9.9.9'), around), other);
  const absent = { code: 'CORPUS_SOURCE_MISSING', message: /is not installed; run: npm install verse-data@1\.2\.3/ };
  await assert.rejects(resolveInputs(recipe([flat]), { base: tmpdir(), downloads: base }), absent);
});

test('a pattern without files and a file without records are errors', async () => {
  await assert.rejects(
    resolveInputs(recipe([{ ...flat, files: ['b/*.json'] }]), around),
    /no file .* matches "b\/\*\.json"/,
  );
  await assert.rejects(
    read(recipe([{ ...flat, files: ['none.json'] }])),
    /no record with any of the fields paragraphs/,
  );
});

test('the fingerprint of the input changes with a byte of any file', async () => {
  const before = inputsSha256(await resolveInputs(recipe([flat]), around));
  assert.equal(inputsSha256(await resolveInputs(recipe([flat]), around)), before);
  writeFileSync(join(root, 'data/a/p.10.json'), JSON.stringify([poem('拾')]));
  assert.notEqual(inputsSha256(await resolveInputs(recipe([flat]), around)), before);
});
