/**
 * Near duplicates: recall, precision and speed of `tunan corpus build` on pairs whose exact Jaccard similarity is known,
 * beside datasketch with the same bands where `--python` has it.
 *
 *   node bench/near-duplicates.ts [--pairs 10000] [--seed 1] [--data ../shared/data] [--python .peers/bin/python] [--json]
 *
 * Pairs are passages of the corpora and their copies after seeded edits (near-duplicates/pairs.ts). The truth is the
 * exact Jaccard similarity of the strings' n-grams. Recall: of the made pairs with J ≥ the threshold, those in one
 * cluster. Precision: of the made pairs in one cluster, those with J ≥ the threshold. The last column is the same of all
 * pairs in one cluster, made or not: texts are near to each other by nature too, and a pair joined through a third document
 * counts as wrong there, which is what connected components cost. Then the 45 chapter pairs of two editions.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import { buildCorpus, parseRecipe } from '@tunan/corpus';
import { exactJaccard, makePairs, type Passage } from './near-duplicates/pairs.ts';

const { values: options } = parseArgs({
  options: {
    pairs: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    data: { type: 'string', default: path.join(import.meta.dirname, '../../shared/data') },
    python: { type: 'string', default: path.join(import.meta.dirname, '../.peers/bin/python') },
    json: { type: 'boolean', default: false },
  },
});

interface Setting {
  name: string;
  ngram: number;
  bands: number;
  rows: number;
  similarity: number;
}

const SETTINGS: Setting[] = [
  { name: 'ours, 5-grams', ngram: 5, bands: 24, rows: 6, similarity: 0.8 },
  { name: 'ours, 13-grams', ngram: 13, bands: 24, rows: 6, similarity: 0.8 },
  { name: "datatrove's, 5-grams 14 x 8", ngram: 5, bands: 14, rows: 8, similarity: 0.8 },
  { name: "MAP-CC's, 13-grams 9 x 13", ngram: 13, bands: 9, rows: 13, similarity: 0.8 },
];

const EDITIONS: Setting = { name: 'two editions', ngram: 5, bands: 32, rows: 3, similarity: 0.4 };

const folder = mkdtempSync(path.join(tmpdir(), 'tunan-near-duplicates-'));

/** Clusters of more than one document, by the command's own engine; and the seconds it took. */
async function clustersOf(passages: Passage[], setting: Setting): Promise<{ clusters: string[][]; seconds: number }> {
  writeFileSync(
    path.join(folder, 'documents.jsonl'),
    passages.map(({ id, text }) => `${JSON.stringify({ id, text })}\n`).join(''),
  );
  const { ngram, bands, rows, similarity } = setting;
  const recipe = parseRecipe({
    name: 'near-duplicates',
    title: { en: 'Pairs', zh: '文对' },
    description: { en: 'Pairs', zh: '文对' },
    licence: 'none',
    sources: [{ type: 'jsonl', name: 'pairs', licence: 'none', paths: ['documents.jsonl'], fields: { id: 'id' } }],
    stages: [{ use: 'near-duplicates', ngram, bands, rows, similarity }],
    split: { validation: 0, test: 0, seed: 1 },
  });
  const out = path.join(folder, 'corpus');
  const started = performance.now();
  await buildCorpus(recipe, { out, base: folder, workers: 1 });
  const seconds = (performance.now() - started) / 1000;
  const lines = zstdDecompressSync(readFileSync(path.join(out, 'near-duplicates.jsonl.zst'))).toString();
  const clusters = lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { documents: string[] }).documents);
  rmSync(out, { recursive: true });
  return { clusters, seconds };
}

function pairsIn(clusters: string[][]): [string, string][] {
  return clusters.flatMap((ids) => ids.flatMap((a, i) => ids.slice(i + 1).map((b): [string, string] => [a, b])));
}

function score(found: [string, string][], made: [Passage, Passage][], { ngram, similarity }: Setting, truth: number[]) {
  const texts = new Map(made.flat().map(({ id, text }) => [id, text]));
  const together = new Set(found.map(([a, b]) => `${a} ${b}`));
  const near = made.filter((_, i) => truth[i]! >= similarity);
  const hits = near.filter(([a, b]) => together.has(`${a.id} ${b.id}`) || together.has(`${b.id} ${a.id}`)).length;
  const joined = made.filter(([a, b]) => together.has(`${a.id} ${b.id}`) || together.has(`${b.id} ${a.id}`)).length;
  const right = found.filter(([a, b]) => exactJaccard(texts.get(a)!, texts.get(b)!, ngram) >= similarity).length;
  return {
    near: near.length,
    recall: hits / near.length,
    precision: hits / joined,
    all: found.length,
    allPrecision: right / found.length,
  };
}

function corporaTexts(): string[] {
  const corpora = path.join(options.data, 'corpora');
  const files = readdirSync(corpora).filter((name) => name.endsWith('.jsonl.zst'));
  return files.sort().flatMap((name) => {
    const lines = zstdDecompressSync(readFileSync(path.join(corpora, name)), { maxOutputLength: 2 ** 30 }).toString();
    return lines.split('\n').flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as { text: string }).text]));
  });
}

/** The candidates of datasketch, as it gives them: it compares no texts. */
function datasketch(passages: Passage[], { ngram, bands, rows }: Setting) {
  const input = passages.map((passage) => `${JSON.stringify(passage)}\n`).join('');
  const script = path.join(import.meta.dirname, 'near-duplicates/datasketch_pairs.py');
  const run = spawnSync(options.python, [script, String(ngram), String(bands), String(rows)], {
    input,
    maxBuffer: 2 ** 30,
  });
  if (run.status !== 0) throw new Error(`${options.python} ${script} failed: ${run.stderr}`);
  return JSON.parse(run.stdout.toString()) as { pairs: [string, string][]; signatures: number; index: number };
}

async function editions() {
  const root = path.join(options.data, 'web/raw/neardup');
  const lines = readFileSync(path.join(root, 'docs.jsonl'), 'utf8').split('\n');
  const passages = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Passage);
  const pairs = JSON.parse(readFileSync(path.join(root, 'pairs.json'), 'utf8')) as [string, string, number][];
  const { clusters } = await clustersOf(passages, EDITIONS);
  const wanted = new Set(pairs.flatMap(([a, b]) => [`${a} ${b}`, `${b} ${a}`]));
  const found = pairsIn(clusters);
  const hits = found.filter(([a, b]) => wanted.has(`${a} ${b}`)).length;
  return { ...EDITIONS, documents: passages.length, pairs: pairs.length, found: hits, falsePairs: found.length - hits };
}

const megabytes = (passages: Passage[]) => passages.reduce((n, { text }) => n + Buffer.byteLength(text), 0) / 1e6;
const percent = (share: number) => `${(100 * share).toFixed(2)} %`.padStart(9);

if (!existsSync(path.join(options.data, 'corpora'))) {
  throw new Error(`${options.data} holds no corpora; name the folder with --data`);
}
try {
  const made = makePairs(corporaTexts(), Number(options.pairs), Number(options.seed));
  const passages = made.flat();
  const results: Record<string, unknown>[] = [];
  const size = megabytes(passages);
  const truths = new Map([5, 13].map((n) => [n, made.map(([a, b]) => exactJaccard(a.text, b.text, n))]));
  console.log(`${made.length} pairs, ${size.toFixed(1)} MB, seed ${options.seed}; one worker`);
  const report = (setting: Setting, name: string, pairs: [string, string][], seconds: number) => {
    const result = score(pairs, made, setting, truths.get(setting.ngram)!);
    results.push({ ...setting, name, ...result, megabytesPerSecond: size / seconds });
    console.log(
      `${name.padEnd(40)} J >= ${setting.similarity}: ${String(result.near).padStart(5)} pairs  recall ${percent(result.recall)}` +
        `  precision ${percent(result.precision)}  all ${String(result.all).padStart(5)} pairs ${percent(result.allPrecision)}` +
        `  ${(size / seconds).toFixed(1)} MB/s`,
    );
  };
  for (const setting of SETTINGS) {
    const { clusters, seconds } = await clustersOf(passages, setting);
    report(setting, setting.name, pairsIn(clusters), seconds);
    if (!existsSync(options.python) || setting !== SETTINGS[0]) continue;
    const peer = datasketch(passages, setting);
    report(setting, 'datasketch, the same bands', peer.pairs, peer.signatures + peer.index);
  }
  const two = await editions();
  console.log(
    `two editions: ${two.found} of ${two.pairs} pairs, ${two.falsePairs} false pairs (${JSON.stringify(EDITIONS)})`,
  );
  if (options.json) console.log(JSON.stringify({ seed: options.seed, results, editions: two }));
} finally {
  rmSync(folder, { recursive: true });
}
