/**
 * Brings the pages that labels.jsonl speaks of from their public repositories, each checked against its SHA-256.
 *
 *   node packages/page/scripts/block-model/fetch-pages.ts DIR [--from https://raw.githubusercontent.com]
 *
 * DIR/{id} is written once whole; what is there with the right checksum is not fetched again.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { type PageLabel, readLabels } from './page-labels.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { from: { type: 'string', default: 'https://raw.githubusercontent.com' } },
});
const [folder] = positionals;
if (folder === undefined) throw new Error('usage: fetch-pages.ts DIR [--from URL]');
mkdirSync(folder, { recursive: true });
const labels = readLabels(path.join(import.meta.dirname, 'labels.jsonl'));
for (const label of labels) await fetchPage(label, path.join(folder, label.id));
console.log(`${labels.length} pages in ${folder}`);

async function fetchPage({ repository, commit, path: source, sha256 }: PageLabel, file: string): Promise<void> {
  if (existsSync(file) && checksum(readFileSync(file)) === sha256) return;
  const address = [values.from, repository, commit, ...source.split('/').map(encodeURIComponent)].join('/');
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status} ${response.statusText}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const page = source.endsWith('.gz') ? gunzipSync(bytes) : bytes;
  if (checksum(page) !== sha256) throw new Error(`${address}: not the page that was labelled (SHA-256 differs)`);
  writeFileSync(`${file}.part`, page);
  renameSync(`${file}.part`, file);
}

function checksum(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
