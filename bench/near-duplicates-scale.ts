/**
 * Memory and time of a build with exact and near duplicates over many documents.
 *
 *   node bench/near-duplicates-scale.ts [--documents 1000000] [--characters 150] [--memory 512] [--workers 2]
 *     [--folder DIR] [--json]
 *
 * Documents are seeded: random ideographs, every tenth a copy of an earlier one with one character changed in fifty, every
 * twentieth an exact copy. The build runs in a process of its own, whose peak of resident memory is printed (worker threads
 * included); --memory is MiB for the tables. Needs about 3 KB of disk a document under --folder (default: the temporary
 * directory), removed at the end.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildCorpus, type Manifest, parseRecipe } from '@tunan/corpus';
import { seededRandom } from './seeded-random.ts';

const { values: options } = parseArgs({
  options: {
    documents: { type: 'string', default: '1000000' },
    characters: { type: 'string', default: '150' },
    memory: { type: 'string', default: '512' },
    workers: { type: 'string', default: '2' },
    folder: { type: 'string', default: tmpdir() },
    build: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const documents = Number(options.documents);
const A_FILE = 100_000;
const files = Array.from({ length: Math.ceil(documents / A_FILE) }, (_, i) => `part-${i}.jsonl`);

/** Writes the documents; the seed of a document is its number, so that an earlier one is made again where it is copied. */
async function writeDocuments(folder: string): Promise<void> {
  const length = Number(options.characters);
  const original = (i: number) => {
    const random = seededRandom(i);
    return Array.from({ length }, () => 0x4e00 + Math.floor(random() * 5000));
  };
  for (const [index, name] of files.entries()) {
    const stream = createWriteStream(path.join(folder, name));
    for (let i = index * A_FILE; i < Math.min(documents, (index + 1) * A_FILE); i++) {
      const random = seededRandom(~i);
      const copy = i > 0 && (i % 20 === 0 || i % 10 === 5);
      const units = original(copy ? Math.floor(random() * i) : i);
      if (i % 10 === 5) for (let k = 0; k < length / 50; k++) units[Math.floor(random() * length)] = 0x4e00;
      if (!stream.write(`${JSON.stringify({ text: String.fromCharCode(...units) })}\n`)) await once(stream, 'drain');
    }
    stream.end();
    await once(stream, 'close');
  }
}

/** In a process of its own: builds, and prints its counts and its peak of memory. */
async function build(folder: string): Promise<void> {
  const recipe = parseRecipe({
    name: 'scale',
    title: { en: 'Scale', zh: '规模' },
    description: { en: 'Scale', zh: '规模' },
    licence: 'none',
    sources: [{ type: 'jsonl', name: 'scale', licence: 'none', paths: files }],
    stages: [
      { use: 'exact-duplicates' },
      { use: 'near-duplicates', ngram: 5, bands: 14, rows: 8, similarity: 0.7, keep: 'best' },
    ],
    split: { validation: 0.001, test: 0.001, seed: 1 },
  });
  const started = performance.now();
  const ended: Record<string, number> = {};
  const { manifest } = await buildCorpus(recipe, {
    out: path.join(folder, 'corpus'),
    base: folder,
    workers: Number(options.workers),
    memory: Number(options.memory) * 2 ** 20,
    onProgress: ({ stage }) => {
      ended[stage] = (performance.now() - started) / 1000;
    },
  });
  const { counts, nearDuplicates } = manifest satisfies Manifest;
  const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
  console.log(JSON.stringify({ counts, clusters: nearDuplicates.clusters, ended, peakMiB: megabytes }));
}

if (options.build !== undefined) {
  await build(options.build);
} else {
  mkdirSync(options.folder, { recursive: true });
  const folder = mkdtempSync(path.join(options.folder, 'tunan-scale-'));
  try {
    await writeDocuments(folder);
    const self = fileURLToPath(import.meta.url);
    const child = spawn(process.execPath, [self, ...process.argv.slice(2), '--build', folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) lines.push(line);
    const result = JSON.parse(lines.at(-1) ?? 'null') as {
      counts: { read: number; kept: number };
      clusters: number;
      ended: Record<string, number>;
      peakMiB: number;
    } | null;
    if (result === null) throw new Error('the build failed, see above');
    const { counts, ended, peakMiB, clusters } = result;
    const seconds = Math.max(...Object.values(ended));
    console.log(
      `${counts.read} documents, ${counts.kept} kept, ${clusters} clusters: peak ${peakMiB} MiB with ${options.memory} MiB for tables; ` +
        `read ${ended.read?.toFixed(0)} s, duplicates until ${ended.duplicates?.toFixed(0)} s, written at ${seconds.toFixed(0)} s ` +
        `(${Math.round(counts.read / seconds)} documents/s, ${options.workers} workers)`,
    );
    if (options.json) console.log(JSON.stringify(result));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
