/** The duplicate stages in a whole build: what is kept, what is dropped for which document, the same for any workers. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { buildCorpus } from '../build.ts';
import { readManifest } from '../directory/manifest.ts';
import type { Document } from '../document.ts';
import type { Reject } from '../passes/tally.ts';
import { readJsonLines } from '../reading/json-lines.ts';
import { parseRecipe } from '../recipe/recipe.ts';
import { mix } from './shingles.ts';

const folder = mkdtempSync(join(tmpdir(), 'tunan-corpus-stages-'));
after(() => rmSync(folder, { recursive: true }));

function text(seed: number, length = 300): string {
  return Array.from({ length }, (_, i) => String.fromCharCode(0x4e00 + (mix(seed * 1000 + i) % 3000))).join('');
}

const footer = '本站声明：转载请注明出处';
const pages = Array.from({ length: 12 }, (_, i) => ({
  id: `page-${i}`,
  url: `https://a.example/${i}`,
  text: `${text(i)}\n${footer}`,
}));
const documents = [
  ...pages,
  { id: 'shorter', url: 'https://b.example/1', text: `${text(3).slice(20)}\n另一站` },
  { id: 'longer', url: 'https://b.example/2', text: `${text(5)}\n${text(500, 20)}\n${footer}` },
  { id: 'same', url: 'https://b.example/3', text: `${text(7)} \n\n ${footer}。` },
  { id: 'of-longer', url: 'https://b.example/4', text: `${text(5)}\n${footer}！` },
  { id: 'only-footer', url: 'https://a.example/13', text: footer },
  { id: 'known', url: 'https://c.example/', text: `${text(900)}\n小明把三本新书送给了山里的同学们` },
];
const files = [documents.slice(0, 5), documents.slice(5, 14), documents.slice(14)];
for (const [i, part] of files.entries()) {
  writeFileSync(join(folder, `${i}.jsonl`), part.map((document) => `${JSON.stringify(document)}\n`).join(''));
}
writeFileSync(
  join(folder, 'questions.jsonl'),
  `${JSON.stringify({ question: '小明把三本新书送给了山里的同学们。谁有书？' })}\n`,
);

const recipe = parseRecipe({
  name: 'pages',
  title: { en: 'Pages', zh: '网页' },
  description: { en: 'Made up', zh: '自拟' },
  licence: 'CC0-1.0',
  sources: [
    {
      type: 'jsonl',
      name: 'pages',
      licence: 'CC0-1.0',
      paths: ['0.jsonl', '1.jsonl', '2.jsonl'],
      fields: { id: 'id', meta: ['url'] },
    },
  ],
  stages: [
    { use: 'decontaminate', sets: [{ name: 'questions', paths: ['questions.jsonl'], fields: ['question'] }] },
    { use: 'exact-duplicates' },
    { use: 'near-duplicates', ngram: 5, bands: 24, rows: 6, similarity: 0.8, keep: 'best' },
    { use: 'repeated-lines', minDocuments: 5, minShare: 0.5 },
  ],
  split: { validation: 0, test: 0, seed: 1 },
});

async function linesOf<Line>(directory: string, shards: { file: string }[]): Promise<Line[]> {
  const lines: Line[] = [];
  for (const { file } of shards) {
    for await (const { value } of readJsonLines(join(directory, file))) lines.push(value as Line);
  }
  return lines;
}

test('every document is kept, or dropped for the one that stays; lines of a site are gone from what is kept', async () => {
  const builds: string[] = [];
  for (const workers of [1, 3]) {
    const out = join(folder, `out-${workers}`);
    await buildCorpus(recipe, { out, base: folder, workers });
    const { splits, rejects } = readManifest(out);
    const shards = [...splits.train.shards, ...rejects.shards];
    builds.push(shards.map(({ file }) => readFileSync(join(out, file)).toString('base64')).join('\n'));
  }
  assert.equal(builds[1], builds[0]);
  const manifest = readManifest(join(folder, 'out-1'));
  const dropped = await linesOf<Reject>(join(folder, 'out-1'), manifest.rejects.shards);
  assert.deepEqual(dropped.map(({ id, stage, reason, kept }) => [id, stage, reason, kept].join(' ').trim()).sort(), [
    'known decontaminate questions',
    'of-longer exact-duplicates duplicate longer',
    'only-footer repeated-lines only-repeated-lines',
    'page-5 near-duplicates near-duplicate longer',
    'same exact-duplicates duplicate page-7',
    'shorter near-duplicates near-duplicate page-3',
  ]);
  assert.match(dropped.find(({ id }) => id === 'known')!.detail!, /^questions\.jsonl:1 小明把三本新书送给了山里的/);
  const kept = await linesOf<Document>(join(folder, 'out-1'), manifest.splits.train.shards);
  assert.deepEqual(
    kept.map(({ id }) => id),
    [...pages.filter(({ id }) => id !== 'page-5').map(({ id }) => id), 'longer'],
  );
  for (const { id, text: left, meta } of kept.slice(0, -1)) {
    assert.equal(left, pages.find((page) => page.id === id)!.text.split('\n')[0]);
    assert.equal(meta.repeatedLines, '1');
  }
  assert.match(kept.at(-1)!.text, /转载请注明出处$/, 'one document of another site has no repeated lines');
  assert.deepEqual(
    manifest.stages.slice(-3).map(({ stage, documents: entering, reasons }) => ({ stage, entering, reasons })),
    [
      { stage: 'exact-duplicates', entering: 17, reasons: { duplicate: 2 } },
      { stage: 'near-duplicates', entering: 15, reasons: { 'near-duplicate': 2 } },
      { stage: 'repeated-lines', entering: 13, reasons: { 'only-repeated-lines': 1 } },
    ],
  );
  assert.equal(manifest.counts.read, manifest.counts.kept + manifest.counts.dropped);
});
