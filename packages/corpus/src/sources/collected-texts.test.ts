/** Folders of collected texts in place of repositories, what is checked about them, parts of a recipe, and the list of attributions. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { buildCorpus } from '../build.ts';
import { openCorpus } from '../directory/open-corpus.ts';
import { chooseParts, parseRecipe, recipeSha256 } from '../recipe/recipe.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-collected 文集-'));
after(() => rmSync(folder, { recursive: true }));

const commit = 'c0ffee'.padEnd(40, '0');
const lines = [
  { id: 'a/one/1', source: 'a/one', text: '北冥有鱼，其名为鲲。鲲之大，不知其几千里也。' },
  { id: 'b/two/1', source: 'b/two', text: '水之积也不厚，则其负大舟也无力。' },
  { id: 'a/one/2', source: 'a/one/docs/2.md', prompt: '外甥打灯笼', completion: '照旧' },
  { id: 'a/one/3', source: 'a/one', messages: [{ content: '你好。' }, { content: '你好，请问要去哪里？' }] },
  { id: 'a/one/4', source: 'a/one', title: '没有正文' },
];
const texts = join(folder, 'texts');
mkdirSync(texts);
const row = { file: 'prose.jsonl.zst', commit, licence: 'MIT' };
function write(content: readonly object[], rows: readonly object[]) {
  const jsonl = content.map((line) => `${JSON.stringify(line)}\n`).join('');
  writeFileSync(join(texts, row.file), zstdCompressSync(Buffer.from(jsonl)));
  writeFileSync(join(texts, 'manifest.json'), JSON.stringify(rows));
}
const rows = [
  { ...row, source: 'a/one' },
  { ...row, source: 'b/two' },
];
write(lines, rows);

const repository = (name: string, changes: object = {}, collection: object = {}) => ({
  type: 'repository',
  name,
  licence: 'MIT',
  repository: `https://example.invalid/${name}`,
  commit,
  collections: [{ name: 'prose', files: ['**/*.md'], form: 'markup', ...collection }],
  ...changes,
});
const recipe = (sources: readonly object[], parts?: object) =>
  parseRecipe({
    name: 'collected',
    licence: 'MIT',
    sources,
    stages: [],
    split: { validation: 0, test: 0 },
    ...(parts === undefined ? {} : { parts }),
  });

test('the lines of each source stand in for its repository, and its digest can be pinned', async () => {
  const { manifest, directory } = await buildCorpus(recipe([repository('a/one'), repository('b/two')]), {
    out: join(folder, 'corpus'),
    collected: [texts],
  });
  const found: [string, string, string][] = [];
  for await (const { id, source, text } of openCorpus(directory).documents('train')) found.push([id, source, text]);
  assert.deepEqual(found, [
    ['a/one/1', 'a/one', lines[0]!.text],
    ['a/one/2', 'a/one', '外甥打灯笼\n照旧'],
    ['a/one/3', 'a/one', '你好。\n你好，请问要去哪里？'],
    ['b/two/1', 'b/two', lines[1]!.text],
  ]);
  assert.deepEqual(manifest.stages[0]?.reasons, { 'no-text': 1 });
  const [one, two] = manifest.provenance;
  assert.deepEqual([one?.kept, two?.kept, one?.commit], [3, 1, commit]);
  const attributions = readFileSync(join(directory, 'ATTRIBUTIONS.md'), 'utf8');
  assert.match(
    attributions,
    /\| \[b\/two\]\(https:\/\/example\.invalid\/b\/two\) \| MIT \| c0ffee000000 \| 1 \| 16 \|/,
  );

  const digest = one!.contents!.prose!.sha256;
  const pinned = recipe([repository('a/one', {}, { collected: digest })]);
  await buildCorpus(pinned, { out: join(folder, 'pinned'), collected: [texts] });
  write([...lines.slice(1), { ...lines[0]!, text: '北冥有鱼，其名为鲲。' }], rows);
  await assert.rejects(buildCorpus(pinned, { out: join(folder, 'changed'), collected: [texts] }), {
    code: 'CORPUS_CHECKSUM',
    message: /a\/one \(prose\) is not what the recipe names: the source changed; SHA-256 [0-9a-f]{64}, not /,
  });
  write(lines, rows);
});

test('another commit, a file that is not what the manifest says, and a folder without a manifest are said', async () => {
  const build = (source: object, collected = texts) =>
    buildCorpus(recipe([source]), { out: join(folder, 'never'), collected: [collected] });
  await assert.rejects(build(repository('a/one', { commit: 'd'.repeat(40) })), {
    code: 'CORPUS_CHECKSUM',
    message: /is of commit c0ffee0+, the recipe names d{40}: the source changed/,
  });
  await assert.rejects(build(repository('a/one', {}, { name: 'verse' })), { message: /no file verse\.jsonl/ });
  await assert.rejects(build(repository('a/one'), folder), {
    code: 'CORPUS_SOURCE_FORMAT',
    message: /no folder of collected texts/,
  });
  write(lines, [{ ...row, source: 'a/one', sha256: '0'.repeat(64) }]);
  await assert.rejects(build(repository('a/one')), {
    code: 'CORPUS_CHECKSUM',
    message: /prose\.jsonl\.zst is not what .*manifest\.json says/,
  });
  write(lines, rows);
});

test('parts are taken or left by the recipe, or by the build', async () => {
  const parts = { 'share-alike': { use: false, why: 'CC BY-SA' } };
  const whole = recipe([repository('a/one'), repository('b/two', { part: 'share-alike' })], parts);
  const sources = (chosen?: Record<string, boolean>) => chooseParts(whole, chosen).sources.length;
  assert.deepEqual([sources(), sources({ 'share-alike': true })], [1, 2]);
  assert.notEqual(recipeSha256(chooseParts(whole)), recipeSha256(chooseParts(whole, { 'share-alike': true })));
  assert.throws(() => chooseParts(whole, { none: true }), { message: /no part none; parts: share-alike/ });
  assert.throws(() => recipe([repository('a/one', { part: 'x' })]), { message: /no part "x"; parts: none/ });
  const { directory } = await buildCorpus(whole, { out: join(folder, 'parts'), collected: [texts] });
  assert.match(readFileSync(join(directory, 'ATTRIBUTIONS.md'), 'utf8'), /`share-alike` \(未取用 left out\): CC BY-SA/);
});
