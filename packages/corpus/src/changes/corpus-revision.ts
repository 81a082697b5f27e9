/**
 * Changing a finished corpus in place. New files stand beside the old ones until manifest.json, renamed last, names them;
 * killed at any point the corpus is the old one or the new one, and what neither names is cleared by the next change.
 */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type DataFile, type Manifest, readManifest, SPLITS } from '../directory/manifest.ts';
import { claimDirectory, writeSynced } from '../directory/output-directory.ts';
import type { Document } from '../document.ts';
import { CorpusError, writeProblem } from '../errors.ts';
import type { Reject } from '../passes/tally.ts';
import { readJsonLines } from '../reading/json-lines.ts';
import { attributions } from '../report/attributions.ts';
import { datasetCard } from '../report/dataset-card.ts';
import { corpusReport, type KeptSample } from '../report/report.ts';
import { excerpt, keepSamples, rankOf, SAMPLES_A_REASON, type Sample } from '../report/samples.ts';

export type Revision = Disposable & {
  directory: string;
  /** Of the corpus as it stands. */
  manifest: Manifest;
  /** Number of this revision, from 1; part of the names of its files. */
  number: number;
};

/** Opens a corpus for a change that nobody else makes meanwhile. @throws CorpusError where it is none, or is being changed */
export function openRevision(directory: string): Revision {
  const manifest = readManifest(directory);
  const claim = claimDirectory(directory);
  try {
    clearOrphans(directory, manifest);
  } catch (error) {
    claim[Symbol.dispose]();
    throw writeProblem(directory, error);
  }
  const number = (manifest.revision ?? 0) + 1;
  return { directory, manifest, number, [Symbol.dispose]: () => claim[Symbol.dispose]() };
}

/** Makes the change: report and card are written anew, then the manifest that names the new files takes its place. */
export async function commitRevision({ directory, number }: Revision, next: Manifest): Promise<Manifest> {
  const { distinctCharacters, ...data } = await survey(directory, next);
  const manifest: Manifest = { ...next, revision: number, counts: { ...next.counts, distinctCharacters } };
  const files = {
    'report.html': corpusReport(manifest, data),
    'README.md': datasetCard(manifest),
    'ATTRIBUTIONS.md': attributions(manifest),
    'manifest.json': `${JSON.stringify(manifest, undefined, 2)}\n`,
  };
  for (const [name, content] of Object.entries(files)) writeSynced(join(directory, `${name}.next-${number}`), content);
  try {
    for (const name of Object.keys(files).toReversed())
      renameSync(join(directory, `${name}.next-${number}`), join(directory, name));
    clearOrphans(directory, manifest);
  } catch (error) {
    throw writeProblem(directory, error);
  }
  return manifest;
}

/** All files of data that a manifest names. */
function dataFiles(manifest: Manifest): DataFile[] {
  const clusters = manifest.nearDuplicates.file;
  return [
    ...SPLITS.flatMap((split) => manifest.splits[split].shards),
    ...manifest.rejects.shards,
    ...(clusters === undefined ? [] : [clusters]),
  ];
}

/** Ends or undoes a change that was killed: what the manifest's revision wrote is put in place, all else is removed. */
function clearOrphans(directory: string, manifest: Manifest): void {
  const named = new Set(dataFiles(manifest).map(({ file }) => file));
  for (const folder of ['shards', 'rejects']) {
    if (!existsSync(join(directory, folder))) continue;
    for (const name of readdirSync(join(directory, folder))) {
      if (!named.has(`${folder}/${name}`)) rmSync(join(directory, folder, name));
    }
  }
  for (const name of readdirSync(directory)) {
    if (/^near-duplicates.*\.zst$/.test(name) && !named.has(name)) rmSync(join(directory, name));
    const next = /^(.*)\.next-(\d+)$/.exec(name);
    if (next === null) continue;
    if (Number(next[2]) === manifest.revision) renameSync(join(directory, name), join(directory, next[1]!));
    else rmSync(join(directory, name));
  }
}

function fewest<T extends { rank: number }>(ranked: T[]): T[] {
  return ranked.sort((a, b) => a.rank - b.rank).slice(0, SAMPLES_A_REASON);
}

/** What the report shows and the manifest does not hold, read from the documents. */
async function survey(directory: string, manifest: Manifest) {
  const lengths: number[] = [];
  const alphabet = new Set<number>();
  const quality: number[] = [];
  let kept: (KeptSample & { rank: number })[] = [];
  for (const { file } of SPLITS.flatMap((split) => manifest.splits[split].shards)) {
    for await (const { value } of readJsonLines(join(directory, file))) {
      let length = 0;
      for (const c of (value as Document).text) {
        alphabet.add(c.codePointAt(0)!);
        length++;
      }
      lengths.push(length);
      const { id, text } = value as Document;
      kept.push({ id, text: excerpt(text), rank: rankOf(id) });
      if (kept.length > 2_000) kept = fewest(kept);
      const score = Number((value as Document).meta.quality ?? Number.NaN);
      if (!Number.isNaN(score)) quality.push(score);
    }
  }
  let samples: Sample[] = [];
  for (const { file } of manifest.rejects.shards) {
    for await (const { value } of readJsonLines(join(directory, file))) {
      const { stage, reason, id, text, kept } = value as Reject;
      const sample = { stage, reason, rank: rankOf(id), id, text: excerpt(text) };
      samples.push(kept === undefined ? sample : { ...sample, kept });
      if (samples.length > 2_000) samples = keepSamples(samples);
    }
  }
  return {
    lengths: Uint32Array.from(lengths),
    quality,
    samples: keepSamples(samples),
    kept: fewest(kept),
    distinctCharacters: alphabet.size,
  };
}

/** @throws CorpusError CORPUS_EMPTY: an empty corpus is of no use to anybody and is better deleted */
export function requireDocuments(manifest: Manifest): void {
  if (manifest.counts.kept > 0) return;
  throw new CorpusError('CORPUS_EMPTY', {
    en: 'this would leave no document in the corpus; delete its directory instead',
    zh: '这样语料中将没有文档；请直接删除其目录',
  });
}
