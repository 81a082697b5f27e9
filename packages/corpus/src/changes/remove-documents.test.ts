import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { buildCorpus } from '../build.ts';
import { readManifest, SPLITS } from '../directory/manifest.ts';
import { openCorpus } from '../directory/open-corpus.ts';
import { mix } from '../duplicates/shingles.ts';
import { readJsonLines } from '../reading/json-lines.ts';
import { parseRecipe } from '../recipe/recipe.ts';
import { removeDocuments } from './remove-documents.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-remove-'));
after(() => rmSync(folder, { recursive: true }));

const verse = (n: number) =>
  Array.from({ length: 40 }, (_, k) => String.fromCharCode(0x4e00 + (mix(n * 100 + k) % 4000))).join('');
const lines = Array.from({ length: 60 }, (_, n) => {
  // 50 to 59 are nearly 40 to 49, so that there are clusters; the last three are too short.
  const text = n < 50 ? verse(n) : `${verse(n - 10).slice(0, -1)}某`;
  return JSON.stringify({ text: n >= 57 ? '短' : text, u: `https://s${n % 4}.example/${n}` });
});
writeFileSync(join(folder, 'in.jsonl'), lines.join('\n'));
const recipe = parseRecipe({
  name: 'removable',
  title: { en: 'x', zh: 'x' },
  description: { en: 'x', zh: 'x' },
  licence: 'CC0-1.0',
  sources: [{ type: 'jsonl', name: 's', licence: 'CC0-1.0', paths: ['in.jsonl'], fields: { url: 'u' } }],
  stages: [
    { use: 'rules', minHan: 5 },
    { use: 'exact-duplicates' },
    { use: 'near-duplicates', ngram: 2, bands: 25, rows: 4, similarity: 0.5 },
  ],
  split: { validation: 0.2, test: 0.2, seed: 1 },
});
const built = join(folder, 'built');
await buildCorpus(recipe, { out: built, base: folder });

let serial = 0;
function copy(): string {
  const out = join(folder, `copy-${serial++}`);
  cpSync(built, out, { recursive: true });
  return out;
}

async function texts(directory: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const split of SPLITS)
    for await (const { id, text } of openCorpus(directory).documents(split)) found.set(id, text);
  return found;
}

/** Everything that stands in the directory, shards unpacked. */
async function everything(directory: string): Promise<string> {
  const parts: string[] = [];
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile()) continue;
    if (!path.endsWith('.zst')) parts.push(readFileSync(path, 'utf8'));
    else for await (const { value } of readJsonLines(path)) parts.push(JSON.stringify(value));
  }
  return parts.join('\n');
}

test('a document by id and documents by address leave every file; the rest stays as it was', async () => {
  const out = copy();
  const before = await texts(out);
  const { removed, rejects, manifest, staleTokens } = await removeDocuments(out, {
    ids: ['in#3'],
    urls: ['https://s1.example/*'],
  });
  assert.equal(removed.length, 15 - 1 + 1, 'fourteen of s1 (one is a reject) and in#3');
  assert.equal(rejects, 1);
  assert.deepEqual(staleTokens, []);
  const after = await texts(out);
  assert.deepEqual(after, new Map([...before].filter(([id]) => !removed.includes(id))));
  const all = await everything(out);
  for (const id of removed) assert.equal(all.includes(before.get(id)!), false, id);
  assert.equal(all.includes('https://s1.example/5"'), false);
  assert.equal(manifest.counts.kept, after.size);
  assert.equal(
    manifest.counts.characters,
    [...after.values()].reduce((n, text) => n + text.length, 0),
  );
  assert.equal(manifest.counts.read, manifest.counts.kept + manifest.counts.dropped + manifest.counts.removed!);
  assert.equal(manifest.collections.s!.kept, after.size);
  assert.equal(manifest.counts.distinctCharacters, new Set([...after.values()].join('')).size);
  assert.deepEqual(manifest.removals![0]!.urls, ['https://s1.example/*']);
  const clusters = all
    .split('\n')
    .flatMap((line) =>
      line.startsWith('{"documents"') ? [(JSON.parse(line) as { documents: string[] }).documents] : [],
    );
  assert.equal(manifest.nearDuplicates.clusters, clusters.length);
  for (const id of removed) assert.ok(clusters.every((cluster) => !cluster.includes(id) && cluster.length > 1));
});

test('a second removal goes on from the first; the files that nobody names are gone', async () => {
  const out = copy();
  await removeDocuments(out, { ids: ['in#1'], urls: [] });
  const { manifest } = await removeDocuments(out, { ids: ['in#2'], urls: [] });
  assert.equal(manifest.revision, 2);
  const named = [...SPLITS.flatMap((split) => manifest.splits[split].shards), ...manifest.rejects.shards].map(
    ({ file }) => file,
  );
  const present = ['shards', 'rejects'].flatMap((name) =>
    readdirSync(join(out, name)).map((file) => `${name}/${file}`),
  );
  assert.deepEqual(present.toSorted(), named.toSorted());
  assert.equal(
    readdirSync(out).some((name) => name.includes('.next') || name.includes('.tunan')),
    false,
  );
});

test('nothing that is meant, or nothing that would be left, changes nothing', async () => {
  const out = copy();
  const before = await everything(out);
  await assert.rejects(removeDocuments(out, { ids: ['nobody'], urls: ['https://none.example/'] }), {
    code: 'CORPUS_NOT_FOUND',
  });
  await assert.rejects(removeDocuments(out, { ids: [], urls: ['https://*'] }), { code: 'CORPUS_EMPTY' });
  await removeDocuments(out, { ids: ['in#1'], urls: [] });
  assert.notEqual(await everything(out), before);
  assert.ok(existsSync(join(out, 'report.html')));
});

test('a change that was killed is ended or undone by the next one', async () => {
  const out = copy();
  const { manifest } = await removeDocuments(out, { ids: ['in#1'], urls: [] });
  // Killed before its manifest was in place: shards and drafts of a revision that never was.
  writeFileSync(join(out, 'shards/train-00000-r2.jsonl.zst'), 'x');
  writeFileSync(join(out, 'report.html.next-2'), 'x');
  // Killed right after: a report that belongs to the manifest and is not in its place.
  writeFileSync(join(out, 'README.md.next-1'), 'card of revision 1');
  await assert.rejects(removeDocuments(out, { ids: ['nobody'], urls: [] }), { code: 'CORPUS_NOT_FOUND' });
  assert.equal(readFileSync(join(out, 'README.md'), 'utf8'), 'card of revision 1');
  assert.equal(
    existsSync(join(out, 'report.html.next-2')) || existsSync(join(out, 'shards/train-00000-r2.jsonl.zst')),
    false,
  );
  assert.deepEqual(readManifest(out), manifest);
});
