import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { buildCorpus } from '../build.ts';
import { SPLITS, type Split } from '../directory/manifest.ts';
import { openCorpus } from '../directory/open-corpus.ts';
import type { Document } from '../document.ts';
import { mix } from '../duplicates/shingles.ts';
import { readJsonLines } from '../reading/json-lines.ts';
import { parseRecipe, type Recipe } from '../recipe/recipe.ts';
import { removeDocuments } from './remove-documents.ts';
import { updateCorpus } from './update-corpus.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-update-'));
after(() => rmSync(folder, { recursive: true }));

const verse = (n: number) =>
  Array.from({ length: 50 }, (_, k) => String.fromCharCode(0x4e00 + (mix(n * 100 + k) % 4000))).join('');

function recipe(file: string, keep: 'best' | undefined, texts: string[]): Recipe {
  writeFileSync(
    join(folder, `${file}.jsonl`),
    texts.map((text, n) => JSON.stringify({ text, u: `https://${file}.example/${n}` })).join('\n'),
  );
  return parseRecipe({
    name: file,
    title: { en: 'x', zh: 'x' },
    description: { en: 'x', zh: 'x' },
    licence: 'CC0-1.0',
    sources: [{ type: 'jsonl', name: file, licence: 'CC0-1.0', paths: [`${file}.jsonl`], fields: { url: 'u' } }],
    stages: [
      { use: 'rules', minHan: 5 },
      { use: 'exact-duplicates' },
      {
        use: 'near-duplicates',
        ngram: 2,
        bands: 25,
        rows: 4,
        similarity: 0.5,
        ...(keep === undefined ? {} : { keep }),
      },
    ],
    split: { validation: 0.2, test: 0.2, seed: 1 },
  });
}

const first = recipe(
  'first',
  undefined,
  Array.from({ length: 80 }, (_, n) => verse(n)),
);
/** 30 new ones, 20 that stand there already, 20 that nearly do, one that is too short, two that are equal. */
const secondTexts = [
  ...Array.from({ length: 30 }, (_, n) => verse(1000 + n)),
  ...Array.from({ length: 20 }, (_, n) => verse(n)),
  ...Array.from({ length: 20 }, (_, n) => `${verse(20 + n).slice(0, -1)}某`),
  '短',
  verse(2000),
  verse(2000),
];
const built = join(folder, 'built');
await buildCorpus(first, { out: built, base: folder });

let serial = 0;
function copy(): string {
  const out = join(folder, `copy-${serial++}`);
  cpSync(built, out, { recursive: true });
  return out;
}

async function documents(directory: string): Promise<Map<string, { split: Split; document: Document }>> {
  const found = new Map<string, { split: Split; document: Document }>();
  for (const split of SPLITS) {
    for await (const document of openCorpus(directory).documents(split)) found.set(document.id, { split, document });
  }
  return found;
}

function bytesOf(out: string) {
  return readdirSync(out, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => [entry.name, readFileSync(join(entry.parentPath, entry.name), 'base64')])
    .sort();
}

test('new documents are added, those that stand there are dropped, near ones go to their side', async () => {
  const out = copy();
  const before = await documents(out);
  const { added, manifest, resumed } = await updateCorpus(recipe('second', undefined, secondTexts), {
    out,
    base: folder,
  });
  assert.equal(resumed, false);
  assert.deepEqual(added, { read: 73, kept: 51, dropped: 22 });
  const all = await documents(out);
  for (const [id, one] of before) assert.deepEqual(all.get(id), one);
  assert.equal(all.size, manifest.counts.kept);
  assert.equal(all.size, before.size + 51);
  for (let n = 0; n < 20; n++) assert.equal(all.get(`second#${50 + n}`)!.split, before.get(`first#${20 + n}`)!.split);
  const rejects: { id: string; reason: string; kept?: string }[] = [];
  for (const { file } of manifest.rejects.shards) {
    for await (const { value } of readJsonLines(join(out, file))) rejects.push(value as (typeof rejects)[number]);
  }
  assert.deepEqual(rejects.find(({ id }) => id === 'second#30')!.kept, 'first#0');
  assert.equal(rejects.length, 22);
  assert.deepEqual(manifest.stages.find(({ stage }) => stage === 'exact-duplicates')!.reasons, { duplicate: 21 });
  assert.deepEqual(Object.keys(manifest.collections), ['first', 'second']);
  assert.deepEqual(
    manifest.provenance.map(({ source }) => source),
    ['first', 'second'],
  );
  assert.equal(manifest.nearDuplicates.clusters, 20);
  const text = [...all.values()].map(({ document }) => document.text).join('');
  assert.equal(manifest.counts.distinctCharacters, new Set(text).size);
  assert.equal(existsSync(`${out}.building`), false);
});

test('with keep: near ones are dropped, never those that stand there', async () => {
  const out = copy();
  const { added } = await updateCorpus(recipe('second', 'best', secondTexts), { out, base: folder });
  assert.deepEqual(added, { read: 73, kept: 31, dropped: 42 });
  const all = await documents(out);
  for (let n = 0; n < 80; n++) assert.ok(all.has(`first#${n}`));
});

test('the same bytes for 1 and 3 workers; the same update again does nothing; another goes on', async () => {
  const [one, three] = [copy(), copy()];
  const second = recipe('second', undefined, secondTexts);
  await updateCorpus(second, { out: one, base: folder, workers: 1 });
  await updateCorpus(second, { out: three, base: folder, workers: 3 });
  assert.deepEqual(bytesOf(three), bytesOf(one));
  assert.equal((await updateCorpus(second, { out: one, base: folder })).resumed, true);
  assert.equal((await updateCorpus(first, { out: one, base: folder })).resumed, true);
  const { manifest } = await updateCorpus(recipe('third', undefined, [verse(3000), verse(1001)]), {
    out: one,
    base: folder,
  });
  assert.deepEqual(
    manifest.updates!.map(({ kept }) => kept),
    [51, 1],
  );
  assert.equal(manifest.revision, 2);
});

test('killed at seeded times and run again: the bytes of an update that was never disturbed', async () => {
  const second = recipe('second', undefined, secondTexts);
  const [whole, killed] = [copy(), copy()];
  await updateCorpus(second, { out: whole, base: folder });
  writeFileSync(join(folder, 'second.json'), JSON.stringify(second));
  const program = join(folder, 'update.mjs');
  const module = JSON.stringify(new URL('./update-corpus.ts', import.meta.url).href);
  writeFileSync(
    program,
    `import { readFileSync } from 'node:fs';
import { updateCorpus } from ${module};
const [, , recipe, base, out] = process.argv;
await updateCorpus(JSON.parse(readFileSync(recipe, 'utf8')), { base, out, workers: 2 });`,
  );
  let kills = 0;
  for (let run = 0; run < 6; run++) {
    const child = spawn(process.execPath, [program, join(folder, 'second.json'), folder, killed], { stdio: 'ignore' });
    const exit = once(child, 'exit');
    await Promise.race([exit, sleep(300 + (mix(run + 9) % 500), undefined, { ref: false })]);
    if (child.exitCode === null && child.kill('SIGKILL')) kills++;
    await exit;
    openCorpus(killed); // the old corpus or the new one, at any time
  }
  await updateCorpus(second, { out: killed, base: folder });
  assert.ok(kills > 0);
  assert.deepEqual(bytesOf(killed), bytesOf(whole));
});

test('what was taken down does not come back', async () => {
  const out = copy();
  await removeDocuments(out, { ids: ['first#3'], urls: ['https://second.example/1*'] });
  const { manifest } = await updateCorpus(recipe('second', undefined, secondTexts), { out, base: folder });
  const all = await documents(out);
  assert.ok([...all.keys()].every((id) => !/^second#1/.test(id)));
  assert.deepEqual(manifest.provenance[1]!.skipped, { 'taken-down': 11 });
  assert.equal(manifest.counts.kept, all.size);
});

test('a mistake in the recipe leaves the corpus as it was', async () => {
  const out = copy();
  const before = readFileSync(join(out, 'manifest.json'), 'utf8');
  const missing = { ...first, sources: [{ ...first.sources[0]!, paths: ['none.jsonl'] }] } as Recipe;
  await assert.rejects(updateCorpus(missing, { out, base: folder }), { code: 'CORPUS_SOURCE_MISSING' });
  const damaged = recipe('damaged', undefined, []);
  writeFileSync(join(folder, 'damaged.jsonl'), gzipSync('{"text": "山"}\n').subarray(0, -9));
  await assert.rejects(updateCorpus(damaged, { out, base: folder }), { code: 'CORPUS_TRUNCATED' });
  assert.equal(readFileSync(join(out, 'manifest.json'), 'utf8'), before);
  await updateCorpus(recipe('second', undefined, secondTexts), { out, base: folder });
});
