/**
 * Takes documents out of a finished corpus, as a take-down request asks: out of the shards, out of the rejects, out of
 * the report. What was asked stands in the manifest, so that a later update does not bring it back.
 */
import { join } from 'node:path';
import { type DataFile, type Manifest, SPLITS } from '../directory/manifest.ts';
import type { Document } from '../document.ts';
import { CorpusError } from '../errors.ts';
import { type TakeDown, takeDownMatcher } from '../passes/take-down.ts';
import { FramedFile } from '../passes/write-shard.ts';
import { readJsonLines } from '../reading/json-lines.ts';
import { staleTokens } from '../tokens/stale-tokens.ts';
import { commitRevision, openRevision, type Revision, requireDocuments } from './corpus-revision.ts';

type Meant = ReturnType<typeof takeDownMatcher>;

export interface RemoveResult {
  manifest: Manifest;
  /** Ids of documents that were in the corpus; of rejects the number. */
  removed: string[];
  rejects: number;
  /** Token directories that were made of the corpus as it was, and hold what was removed. */
  staleTokens: string[];
}

/**
 * @param tokens token directories to look at, besides `tokens` in the corpus directory
 * @throws CorpusError CORPUS_NOT_FOUND where nothing in the corpus is meant; nothing is changed then
 */
export async function removeDocuments(
  directory: string,
  takeDown: TakeDown,
  tokens: string[] = [],
): Promise<RemoveResult> {
  using revision = openRevision(directory);
  const { manifest } = revision;
  const isMeant = takeDownMatcher(takeDown);
  const next = structuredClone(manifest);
  const removed: Document[] = [];
  for (const split of SPLITS) {
    const out = await rewrite(revision, manifest.splits[split].shards, isMeant, removed);
    next.splits[split] = { ...totals(out), shards: out };
  }
  const rejected: Document[] = [];
  const rejects = await rewrite(revision, manifest.rejects.shards, isMeant, rejected);
  if (removed.length + rejected.length === 0) {
    throw new CorpusError('CORPUS_NOT_FOUND', {
      en: `no document of ${directory} has that id or address; nothing was changed`,
      zh: `${directory} 中没有该编号或网址的文档；未做改动`,
    });
  }
  next.rejects = { documents: totals(rejects).documents, shards: rejects };
  countOut(next, removed);
  next.counts.dropped -= rejected.length;
  next.counts.removed = (manifest.counts.removed ?? 0) + removed.length + rejected.length;
  requireDocuments(next);
  const ids = removed.map(({ id }) => id);
  next.nearDuplicates = await withoutMembers(revision, new Set([...ids, ...rejected.map(({ id }) => id)]));
  next.removals = [
    ...(manifest.removals ?? []),
    { ids, urls: takeDown.urls, documents: ids.length, rejects: rejected.length },
  ];
  const committed = await commitRevision(revision, next);
  return {
    manifest: committed,
    removed: ids,
    rejects: rejected.length,
    staleTokens: staleTokens(directory, tokens),
  };
}

/** The shards without what is meant; those that hold nothing of it stay as they are. */
async function rewrite(
  revision: Revision,
  shards: DataFile[],
  isMeant: Meant,
  removed: Document[],
): Promise<DataFile[]> {
  const out: DataFile[] = [];
  for (const shard of shards) {
    const path = join(revision.directory, shard.file);
    const meant: Document[] = [];
    for await (const { value } of readJsonLines(path)) {
      const document = value as Document;
      if (isMeant({ id: document.id, url: document.meta.url })) meant.push(document);
    }
    removed.push(...meant);
    if (meant.length === 0) out.push(shard);
    else if (meant.length < shard.documents) out.push(await writeWithout(revision, shard, isMeant));
  }
  return out;
}

async function writeWithout(revision: Revision, shard: DataFile, isMeant: Meant): Promise<DataFile> {
  const file = shard.file.replace(/(-r\d+)?\.jsonl\.zst$/, `-r${revision.number}.jsonl.zst`);
  const output = new FramedFile(join(revision.directory, file));
  let [documents, characters] = [0, 0];
  try {
    for await (const { value } of readJsonLines(join(revision.directory, shard.file))) {
      const document = value as Document;
      if (isMeant({ id: document.id, url: document.meta.url })) continue;
      output.write(Buffer.from(`${JSON.stringify(document)}\n`));
      documents++;
      characters += [...document.text].length;
    }
    const { bytes, sha256 } = output.finish();
    return { file, documents, characters, bytes, sha256 };
  } finally {
    output.close();
  }
}

function totals(shards: DataFile[]) {
  const sum = (field: 'documents' | 'characters') => shards.reduce((n, shard) => n + shard[field], 0);
  return { documents: sum('documents'), characters: sum('characters') };
}

function countOut({ counts, collections }: Manifest, removed: Document[]): void {
  for (const document of removed) {
    const characters = [...document.text].length;
    counts.kept--;
    counts.characters -= characters;
    counts.contentBytes -= Buffer.byteLength(JSON.stringify(document)) + 1;
    const collection = collections[document.meta.collection ?? document.source];
    if (collection === undefined) continue;
    collection.kept--;
    collection.characters -= characters;
  }
}

/** The near-duplicate clusters without some of their members. */
async function withoutMembers(
  { directory, manifest, number }: Revision,
  gone: Set<string>,
): Promise<Manifest['nearDuplicates']> {
  const { nearDuplicates } = manifest;
  const { file } = nearDuplicates;
  if (file === undefined) return nearDuplicates;
  const name = `near-duplicates-r${number}.jsonl.zst`;
  const output = new FramedFile(join(directory, name));
  let [clusters, documents, largest] = [0, 0, 0];
  try {
    for await (const { value } of readJsonLines(join(directory, file.file))) {
      const left = (value as { documents: string[] }).documents.filter((id) => !gone.has(id));
      if (left.length < 2) continue;
      output.write(Buffer.from(`${JSON.stringify({ documents: left })}\n`));
      clusters++;
      documents += left.length;
      largest = Math.max(largest, left.length);
    }
    const { bytes, sha256 } = output.finish();
    const entry = { file: name, documents, characters: 0, bytes, sha256 };
    return { ...nearDuplicates, clusters, documents, largest, file: entry };
  } finally {
    output.close();
  }
}
