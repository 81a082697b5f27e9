/**
 * From a WARC file to clean text: our corpus builder beside datatrove and trafilatura, speed and F1 in one table.
 *
 *   node bench/corpus.ts [--pages DIR] [--megabytes 500] [--rounds 3] [--seed 1] [--classifier DIR] [--json]
 *
 * The archive is made of DIR's pages (default ../shared/data/web) with seeded variation (bench/corpus/page-archive.ts) and is kept
 * in build/. Each system reads it with one worker, one after the other, in rounds; times are medians. MB are of HTML, before compression;
 * CPU seconds count all threads and child processes. F1 is over the characters of the first copy of each page whose kept text is known to be
 * whole, in order (longest common subsequence), both sides NFKC, Simplified and without white space; a page without text scores 0. Since the
 * cleaning stages drop pages on purpose (under 200 characters, say), the mean over the pages that have text stands beside it, and below
 * the table what each stage dropped. The peers extract and do not clean: beside them belongs the row that only extracts.
 * Our extractor learnt from public pages, the default pages among them: what it does on sources it has not seen is measured where it is
 * trained (packages/page/scripts/block-model). The peers (bench/peers.txt) are skipped with a word where .peers is absent.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { buildCorpus, openCorpus, parseRecipe, SPLITS } from '@tunan/corpus';
import { simplecc } from 'simplecc-wasm';
import { type Archive, addressOf, type Page, readPages, writeArchive } from './corpus/page-archive.ts';
import { matched } from './repair/matched.ts';

const root = path.resolve(import.meta.dirname, '..');
const { values: options } = parseArgs({
  options: {
    pages: { type: 'string', default: path.join(root, '../shared/data/web') },
    megabytes: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
    /** Folder of a classifier for stage `quality` of the row with all stages. */
    classifier: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

function positive(name: 'megabytes' | 'rounds'): number {
  const value = Number(options[name]);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new Error(`--${name} ${options[name]}: a number above 0 is needed`);
}

interface Run {
  readonly wall: number;
  readonly cpu: number;
  /** Stage and reason, and how many pages it dropped; peers do not tell. */
  readonly dropped?: Readonly<Record<string, number>>;
  /** Text by the address of its page. */
  readonly texts: ReadonlyMap<string, string>;
}

const work = path.join(root, 'build/bench-corpus');
const python = path.join(root, '.peers/bin/python');

const EXTRACT = [{ use: 'decode' }, { use: 'extract', heading: false }];
const ALL = [
  ...EXTRACT,
  { use: 'repair' },
  { use: 'language' },
  { use: 'simplify' },
  { use: 'normalise' },
  { use: 'coarse-rules' },
  { use: 'sensitive' },
  { use: 'personal-data' },
  ...(options.classifier === undefined ? [] : [{ use: 'quality', model: path.resolve(options.classifier) }]),
];

async function tunan(archive: string, stages: readonly object[]): Promise<Run> {
  const recipe = parseRecipe({
    name: 'bench',
    title: { en: 'Bench', zh: '基准' },
    description: { en: 'One archive', zh: '一个归档' },
    licence: 'none',
    sources: [{ type: 'warc', name: 'bench', licence: 'none', paths: [archive] }],
    stages,
    split: { validation: 0, test: 0, seed: 1 },
  });
  const out = path.join(work, 'tunan');
  rmSync(out, { recursive: true, force: true });
  const [start, before] = [performance.now(), process.cpuUsage()];
  await buildCorpus(recipe, { out, workers: 1 });
  const { user, system } = process.cpuUsage(before);
  const wall = (performance.now() - start) / 1000;
  const texts = new Map<string, string>();
  const corpus = openCorpus(out);
  for (const split of SPLITS) for await (const { text, meta } of corpus.documents(split)) texts.set(meta.url!, text);
  const dropped = corpus.manifest.stages.flatMap(({ stage, reasons }) =>
    Object.entries(reasons).map(([reason, pages]) => [`${stage} ${reason}`, pages] as const),
  );
  return { wall, cpu: (user + system) / 1e6, texts, dropped: Object.fromEntries(dropped) };
}

function peer(name: string, archive: string): Run {
  const out = path.join(work, `${name}.jsonl.gz`);
  const script = path.join(import.meta.dirname, 'corpus/peers.py');
  const printed = execFileSync(python, [script, name, archive, out], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'pipe'], // what it logs is shown only where it fails
  });
  const { wall, cpu } = JSON.parse(printed.trim().split('\n').at(-1)!) as { wall: number; cpu: number };
  const lines = gunzipSync(readFileSync(out)).toString('utf8').trim().split('\n');
  const records = lines.map((line) => JSON.parse(line) as { id: string; text: string });
  return { wall, cpu, texts: new Map(records.map(({ id, text }) => [id, text])) };
}

const comparable = (text: string) => simplecc(text.normalize('NFKC'), 't2s').replace(/[\s\u200b-\u200f\ufeff]+/g, '');

/** Mean F1 over the first copies of the pages, and over those that have text; how many have none. */
function quality(pages: readonly Page[], texts: Run['texts']): { f1: number; f1OfKept: number; without: number } {
  const scored = pages
    .filter(({ reliable }) => reliable)
    .map((page) => {
      const gold = comparable(readFileSync(path.join(options.pages, page.gold), 'utf8'));
      const got = comparable(texts.get(addressOf(page, 0)) ?? '');
      return got === '' ? 0 : (2 * matched(gold, got)) / (gold.length + got.length);
    });
  const sum = scored.reduce((all, f1) => all + f1, 0);
  const without = scored.filter((f1) => f1 === 0).length;
  return { f1: sum / scored.length, f1OfKept: sum / Math.max(1, scored.length - without), without };
}

/** Raised when page-archive.ts writes other bytes for the same pages. */
const ARCHIVE_VERSION = 2;

function archiveOf(pages: readonly Page[]): { file: string } & Archive {
  const file = path.join(work, `pages-${options.megabytes}-${options.seed}.warc.gz`);
  const facts = `${file}.json`;
  const from = { pages: path.resolve(options.pages), version: ARCHIVE_VERSION };
  mkdirSync(work, { recursive: true });
  if (existsSync(file) && existsSync(facts)) {
    const known = JSON.parse(readFileSync(facts, 'utf8')) as Archive & typeof from;
    if (known.pages === from.pages && known.version === from.version) return { file, ...known };
  }
  const archive = writeArchive(file, options.pages, pages, positive('megabytes') * 1e6, Number(options.seed));
  writeFileSync(facts, JSON.stringify({ ...archive, ...from }));
  return { file, ...archive };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

const pages = readPages(options.pages);
const archive = archiveOf(pages);
const megabytes = archive.bytes / 1e6;
const compressed = (statSync(archive.file).size / 1e6).toFixed(0);
console.log(
  `${archive.records} records, ${megabytes.toFixed(0)} MB of HTML (${compressed} MB compressed), seed ${options.seed}`,
);
const systems: [name: string, run: () => Promise<Run> | Run][] = [
  ['tunan, decode and extract', () => tunan(archive.file, EXTRACT)],
  [`tunan, ${ALL.length} stages`, () => tunan(archive.file, ALL)],
];
if (existsSync(python)) {
  systems.push(
    ['datatrove 0.10', () => peer('datatrove', archive.file)],
    ['trafilatura 2.3, precision', () => peer('trafilatura', archive.file)],
    ['trafilatura 2.3, fast', () => peer('trafilatura-fast', archive.file)],
  );
} else console.log('no .peers: datatrove and trafilatura are left out; see bench/peers.txt');

const runs = new Map<string, Run[]>(systems.map(([name]) => [name, []]));
for (let round = 0; round < positive('rounds'); round++) {
  for (const [name, run] of systems) runs.get(name)!.push(await run());
}
console.log(`${'system'.padEnd(28)} MB/s wall   MB/s of CPU   ms/page CPU      F1  F1 of kept   pages without text`);
const rows = Array.from(runs, ([system, own]) => {
  const [wall, cpu] = [median(own.map((run) => run.wall)), median(own.map((run) => run.cpu))];
  const { f1, f1OfKept, without } = quality(pages, own[0]!.texts);
  const row = {
    system,
    wall,
    cpu,
    megabytesPerSecond: megabytes / wall,
    megabytesPerCpuSecond: megabytes / cpu,
    f1,
    f1OfKept,
    without,
    dropped: own[0]!.dropped,
  };
  console.log(
    `${system.padEnd(28)}${row.megabytesPerSecond.toFixed(1).padStart(10)}${row.megabytesPerCpuSecond.toFixed(1).padStart(14)}${((1000 * cpu) / archive.records).toFixed(1).padStart(14)}${f1.toFixed(4).padStart(8)}${f1OfKept.toFixed(4).padStart(12)}${String(without).padStart(12)}`,
  );
  return row;
});
for (const { system, dropped } of rows) {
  if (dropped === undefined) continue;
  const parts = Object.entries(dropped).sort(([, a], [, b]) => b - a);
  const shown = parts.map(([what, count]) => `${what} ${((100 * count) / archive.records).toFixed(1)} %`);
  console.log(`${system} dropped: ${shown.join(', ') || 'nothing'}`);
}
if (options.json)
  console.log(JSON.stringify({ megabytes, records: archive.records, rounds: positive('rounds'), rows }));
