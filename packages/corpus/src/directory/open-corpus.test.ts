import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import { buildCorpus } from '../build.ts';
import { zstdFrame } from '../reading/zstd-frames.ts';
import { readRecipe } from '../recipe/recipe.ts';
import type { Manifest } from './manifest.ts';
import { openCorpus } from './open-corpus.ts';

const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tunan-open-'));
const whole = join(folder, 'whole');
before(() => buildCorpus(readRecipe(join(fixtures, 'poems.json')), { out: whole, base: fixtures }));
after(() => rmSync(folder, { recursive: true }));

let serial = 0;
function copy(): { directory: string; shard: string } {
  const directory = join(folder, String(serial++));
  cpSync(whole, directory, { recursive: true });
  return { directory, shard: join(directory, 'shards/train-00000.jsonl.zst') };
}

async function read(directory: string): Promise<number> {
  let n = 0;
  for await (const _ of openCorpus(directory).documents('train')) n++;
  return n;
}

/** Rewrites the shard with its checksum put right, as a careless editor of corpora would. */
function rewrite(directory: string, shard: string, edit: (lines: string[]) => string[]): void {
  const lines = zstdDecompressSync(readFileSync(shard)).toString().trimEnd().split('\n');
  const bytes = zstdFrame(Buffer.from(`${edit(lines).join('\n')}\n`));
  writeFileSync(shard, bytes);
  const manifest = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8')) as Manifest;
  const entry = manifest.splits.train.shards[0]!;
  Object.assign(entry, { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  writeFileSync(join(directory, 'manifest.json'), JSON.stringify(manifest));
}

test('a whole corpus reads in the order of its recipe', async () => {
  const ids: string[] = [];
  for await (const { id } of openCorpus(whole).documents('train')) ids.push(id);
  assert.deepEqual(ids, ids.toSorted());
  assert.equal(ids.length, openCorpus(whole).manifest.splits.train.documents);
});

test('missing, truncated and changed shards are told apart', async () => {
  const missing = copy();
  rmSync(missing.shard);
  await assert.rejects(read(missing.directory), { code: 'CORPUS_SHARD_MISSING', message: /train-00000/ });
  const truncated = copy();
  truncateSync(truncated.shard, 100);
  await assert.rejects(read(truncated.directory), { code: 'CORPUS_TRUNCATED', message: /100 of \d+ bytes/ });
  const changed = copy();
  const bytes = readFileSync(changed.shard);
  bytes[60]! ^= 1;
  writeFileSync(changed.shard, bytes);
  await assert.rejects(read(changed.directory), { code: 'CORPUS_CHECKSUM', message: /SHA-256/ });
});

test('a malformed line is named by file and line, and documents cannot go missing', async () => {
  const malformed = copy();
  rewrite(malformed.directory, malformed.shard, (lines) => lines.with(2, '{"id":'));
  await assert.rejects(read(malformed.directory), {
    code: 'CORPUS_MALFORMED_LINE',
    message: /train-00000\.jsonl\.zst:3: not JSON/,
  });
  const wrong = copy();
  rewrite(wrong.directory, wrong.shard, (lines) => lines.with(1, '{"id":"a","text":5,"source":"s"}'));
  await assert.rejects(read(wrong.directory), { code: 'CORPUS_MALFORMED_LINE', message: /:2: no document/ });
  const fewer = copy();
  rewrite(fewer.directory, fewer.shard, (lines) => lines.slice(1));
  await assert.rejects(read(fewer.directory), {
    code: 'CORPUS_CHECKSUM',
    message: /documents where the manifest says/,
  });
});

test('what is no corpus, or an empty one, is refused', () => {
  assert.throws(() => openCorpus(folder), { code: 'CORPUS_NOT_A_CORPUS' });
  const other = copy();
  writeFileSync(join(other.directory, 'manifest.json'), '{"format":"x"}');
  assert.throws(() => openCorpus(other.directory), { code: 'CORPUS_NOT_A_CORPUS', message: /not the manifest/ });
  const empty = copy();
  const manifest = JSON.parse(readFileSync(join(empty.directory, 'manifest.json'), 'utf8')) as Manifest;
  manifest.counts.kept = 0;
  writeFileSync(join(empty.directory, 'manifest.json'), JSON.stringify(manifest));
  assert.throws(() => openCorpus(empty.directory), { code: 'CORPUS_EMPTY' });
});
