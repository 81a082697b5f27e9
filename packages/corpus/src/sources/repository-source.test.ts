/** Source `repository`: the archive of a commit from a real server, and a local checkout in its place. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { strToU8, zipSync } from 'fflate';
import { create } from 'tar';
import { buildCorpus } from '../build.ts';
import { openCorpus } from '../directory/open-corpus.ts';
import type { Document } from '../document.ts';
import { parseRecipe } from '../recipe/recipe.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-repository-'));
after(() => rmSync(folder, { recursive: true }));

const commit = 'c0ffee'.padEnd(40, '0');
const root = join(folder, `histories-${commit}`);
const files: Record<string, string | Uint8Array> = {
  'books/史/卷一/target.txt': '北冥有鱼，其名为鲲。\n鲲之大，不知其几千里也。',
  'books/史/卷一/source.txt': '不取',
  'books/史/卷二/target.txt': '水之积也不厚，则其负大舟也无力。',
  'talk/a.json': JSON.stringify([
    { name: 'x', messages: [{ message: '你好。' }, { message: '你好，请问要去哪里？' }] },
  ]),
  'talk/b.json.zip': zipSync({
    'b.json': strToU8(JSON.stringify({ 7: { messages: [{ message: '今天天气很好。' }] } })),
  }),
  'talk/c.txt': '你吃了吗？\t吃了。\n\n天晴了。\t出去走走吧。\n',
  'README.md': '不取',
};
for (const [name, content] of Object.entries(files)) {
  mkdirSync(join(root, name, '..'), { recursive: true });
  writeFileSync(join(root, name), content);
}
await create({ gzip: true, cwd: folder, file: join(folder, 'archive.tar.gz') }, [`histories-${commit}`]);

let asked = 0;
const server = createServer((request, response) => {
  asked++;
  if (request.url !== `/o/histories/archive/${commit}.tar.gz`) return void response.writeHead(404).end();
  response.end(readFileSync(join(folder, 'archive.tar.gz')));
});
await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
after(() => server.close());

const recipe = (collections: unknown[]) =>
  parseRecipe({
    name: 'histories',
    title: { en: 'x', zh: 'x' },
    description: { en: 'x', zh: 'x' },
    licence: 'MIT',
    sources: [
      {
        type: 'repository',
        name: 'o/histories',
        licence: 'MIT',
        commit,
        collections,
        repository: `http://127.0.0.1:${(server.address() as AddressInfo).port}/o/histories`,
      },
    ],
    stages: [],
    split: { validation: 0, test: 0, seed: 1 },
  });

const both = [
  { name: 'modern', files: ['books/**/target.txt'], form: 'text', title: 'folders' },
  { name: 'talk', files: ['talk/*.json', 'talk/*.zip'], form: 'dialogues' },
];

async function documents(directory: string): Promise<Document[]> {
  const all: Document[] = [];
  for await (const document of openCorpus(directory).documents('train')) all.push(document);
  return all;
}

test('the archive of the commit is fetched once, and its wanted files become documents', async () => {
  const out = join(folder, 'fetched');
  const downloads = join(folder, 'downloads');
  const { directory, manifest } = await buildCorpus(recipe(both), { out, downloads });
  assert.deepEqual(await documents(directory), [
    {
      id: 'o/histories/books/史/卷一/target.txt',
      text: `史·卷一\n${files['books/史/卷一/target.txt']}`,
      source: 'o/histories',
      meta: { collection: 'modern' },
    },
    {
      id: 'o/histories/books/史/卷二/target.txt',
      text: `史·卷二\n${files['books/史/卷二/target.txt']}`,
      source: 'o/histories',
      meta: { collection: 'modern' },
    },
    {
      id: 'o/histories/talk/a.json#0',
      text: '你好。\n你好，请问要去哪里？',
      source: 'o/histories',
      meta: { collection: 'talk' },
    },
    {
      id: 'o/histories/talk/b.json.zip#0',
      text: '今天天气很好。',
      source: 'o/histories',
      meta: { collection: 'talk' },
    },
  ]);
  assert.deepEqual(Object.keys(manifest.collections), ['modern', 'talk']);
  await buildCorpus(recipe(both), { out: join(folder, 'again'), downloads });
  assert.equal(asked, 1);
});

test('a local checkout gives the same corpus without the net', async () => {
  const before = asked;
  const local = { 'o/histories': root };
  const { manifest } = await buildCorpus(recipe(both), { out: join(folder, 'local'), local });
  const { manifest: fetched } = await buildCorpus(recipe(both), {
    out: join(folder, 'fetched'),
    downloads: join(folder, 'downloads'),
  });
  assert.equal(asked, before);
  assert.equal(manifest.inputsSha256, fetched.inputsSha256);
  assert.deepEqual(manifest.splits, fetched.splits);
});

test('records and lines: a document each', async () => {
  const records = join(folder, 'records');
  mkdirSync(records);
  writeFileSync(
    join(records, 'sayings.json'),
    JSON.stringify([{ riddle: '外甥打灯笼', answer: '照旧' }, { riddle: '只有一半' }]),
  );
  const collections = [
    { name: 'sayings', files: ['*.json'], form: 'records', fields: ['riddle', 'answer'] },
    { name: 'talk', files: ['*.txt'], form: 'lines' },
  ];
  writeFileSync(join(records, 'c.txt'), files['talk/c.txt']!);
  const { directory } = await buildCorpus(recipe(collections), {
    out: join(folder, 'lines'),
    local: { 'o/histories': records },
  });
  const found = (await documents(directory)).map(({ id, text, meta }) => [id, text, meta.collection]);
  assert.deepEqual(found, [
    ['o/histories/sayings.json#0', '外甥打灯笼\n照旧', 'sayings'],
    ['o/histories/sayings.json#1', '只有一半', 'sayings'],
    ['o/histories/c.txt#0', '你吃了吗？\n吃了。', 'talk'],
    ['o/histories/c.txt#2', '天晴了。\n出去走走吧。', 'talk'],
  ]);
});

test('patterns without files, dialogues without turns and a commit that is not there are errors', async () => {
  const local = { 'o/histories': root };
  const build = (collection: Record<string, unknown>) =>
    buildCorpus(recipe([{ ...both[0], ...collection }]), { out: join(folder, 'never'), local });
  await assert.rejects(build({ files: ['books/*.txt'] }), {
    code: 'CORPUS_SOURCE_MISSING',
    message: /matches books\/\*\.txt \(modern\)/,
  });
  await assert.rejects(build({ files: ['talk/a.json'], form: 'dialogues', turns: 'turns' }), {
    code: 'CORPUS_SOURCE_FORMAT',
    message: /no object with a list "turns"/,
  });
  const other = recipe(both);
  Object.assign(other.sources[0]!, { commit: commit.replace('c0ffee', 'abcdef') });
  await assert.rejects(buildCorpus(other, { out: join(folder, 'never') }), {
    code: 'CORPUS_DOWNLOAD',
    message: /answers 404/,
  });
});
