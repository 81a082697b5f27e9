/**
 * `updateCorpus`: adds what a recipe reads to a finished corpus. Documents that stand there are never touched; what
 * repeats them is dropped, what nearly repeats them goes to their side of the split or is dropped, as the recipe says.
 * New shards stand beside the old ones until the manifest names them, so the corpus is the old one or the new one.
 */
import { join } from 'node:path';
import { fileSha256Sync } from '@tunan/files';
import { surroundings } from '../build.ts';
import { type DataFile, type Manifest, SPLITS } from '../directory/manifest.ts';
import { discardBuilding, makeFolder, startBuilding, WORK } from '../directory/output-directory.ts';
import { LocalFinder } from '../duplicates/local-finder.ts';
import { writeProblem } from '../errors.ts';
import { type Decisions, decide } from '../passes/decide.ts';
import { savedResult } from '../passes/finished-tasks.ts';
import { addCounts, addMarks, collectionCounts, funnel, marksOf, provenance } from '../passes/funnel.ts';
import { type SignTask, type UnitResult, type UnitTask, unitResultPath } from '../passes/read-unit.ts';
import type { BuildOptions } from '../passes/runner.ts';
import { SpilledCorpus } from '../passes/spilled-corpus.ts';
import { resolveStageInputs } from '../passes/stage-inputs.ts';
import type { TakeDown } from '../passes/take-down.ts';
import { WorkerPool } from '../passes/worker-pool.ts';
import { type ShardNumbers, type Written, writeClusters, writeShards } from '../passes/write-corpus.ts';
import { chooseParts, type Recipe, recipeSha256 } from '../recipe/recipe.ts';
import { type Input, inputsSha256, resolveInputs } from '../sources/units.ts';
import { staleTokens } from '../tokens/stale-tokens.ts';
import { commitRevision, openRevision, type Revision } from './corpus-revision.ts';

/** `resumed`: what this recipe reads was added already, and nothing was done. */
export interface UpdateResult {
  manifest: Manifest;
  added: { read: number; kept: number; dropped: number };
  /** Token directories that were made of the corpus as it was. */
  staleTokens: string[];
  resumed: boolean;
}

/**
 * @param options `out` is the corpus that is added to
 * @throws CorpusError as buildCorpus does; the corpus is then as it was
 */
export async function updateCorpus(whole: Recipe, options: BuildOptions): Promise<UpdateResult> {
  const { out, base = process.cwd() } = options;
  const recipe = chooseParts(whole, options.parts);
  using revision = openRevision(out);
  const { manifest } = revision;
  const inputs = await resolveInputs(recipe, surroundings(options));
  const made = {
    recipeSha256: recipeSha256(recipe),
    inputsSha256: inputsSha256(inputs, await resolveStageInputs(recipe, base)),
  };
  const present = [manifest, ...(manifest.updates ?? [])].find(
    (one) => one.recipeSha256 === made.recipeSha256 && one.inputsSha256 === made.inputsSha256,
  );
  if (present !== undefined)
    return { manifest, added: { read: 0, kept: 0, dropped: 0 }, staleTokens: staleTokens(out, []), resumed: true };
  const old = fileSha256Sync(join(out, 'manifest.json'));
  using started = startBuilding(out, JSON.stringify({ update: old, ...made }));
  const { building } = started;
  try {
    const next = await add(revision, building, recipe, inputs, made, options);
    const committed = await commitRevision(revision, next);
    discardBuilding(building);
    const { read, kept, dropped } = next.updates!.at(-1)!;
    return { manifest: committed, added: { read, kept, dropped }, staleTokens: staleTokens(out, []), resumed: false };
  } catch (cause) {
    throw writeProblem(building, cause);
  }
}

async function add(
  { directory, manifest, number }: Revision,
  building: string,
  recipe: Recipe,
  inputs: Input[],
  made: { recipeSha256: string; inputsSha256: string },
  { workers = 2, base = process.cwd(), memory = 512 * 2 ** 20, onProgress = () => {} }: BuildOptions,
): Promise<Manifest> {
  const work = join(building, WORK);
  makeFolder(work);
  await using pool = new WorkerPool('build-worker', Math.max(1, workers), { recipe, base });
  const shards = SPLITS.flatMap((split) => manifest.splits[split].shards);
  const sign = shards.map(
    ({ file }, index): SignTask => ({ task: 'sign', path: join(directory, file), index, folder: work }),
  );
  const takeDowns = takeDownsOf(manifest);
  const read = inputs.map(
    (unit, i): UnitTask => ({ task: 'read', unit, index: shards.length + i, folder: work, takeDowns }),
  );
  const units = await runMissing(pool, [...sign, ...read], work, (done, total, documents) =>
    onProgress({ stage: 'read', done, total, documents, bytes: 0 }),
  );
  using corpus = new SpilledCorpus(recipe, units, work, shards.length);
  const onBand = (done: number, total: number) =>
    onProgress({ stage: 'duplicates', done, total, documents: corpus.documents, bytes: 0 });
  // The split of the corpus goes on, whatever the recipe of the update says.
  const finder = new LocalFinder(corpus, memory, onBand);
  const going = { ...recipe, split: manifest.recipe.split };
  const decisions = await decide(going, corpus.digests, finder, corpus.existing.documents);
  keepSides(decisions, corpus, manifest);
  const sum = { documents: 0, bytes: 0 };
  const onShard = (done: number, total: number, shard: { documents: number; contentBytes: number }) => {
    sum.documents += shard.documents;
    sum.bytes += shard.contentBytes;
    onProgress({ stage: 'write', done, total, ...sum });
  };
  const written = await writeShards(pool, directory, work, corpus, decisions, onShard, nextNumbers(manifest));
  const clusters = writeClusters(directory, corpus, decisions.cluster, `near-duplicates-r${number}.jsonl.zst`);
  const collections = collectionCounts(recipe, inputs, corpus, decisions);
  const readCount = Object.values(collections).reduce((n, c) => n + c.read, 0);
  const dropped = written.rejects.documents;
  const update = { recipe, ...made, read: readCount, kept: readCount - dropped, dropped };
  return {
    ...merged(manifest, written, collections),
    stages: mergedStages(manifest.stages, funnel(recipe, corpus, decisions)),
    marks: addMarks([manifest.marks ?? {}, marksOf(units.slice(shards.length))]),
    nearDuplicates: { ...clusters, comparisons: manifest.nearDuplicates.comparisons + decisions.comparisons },
    provenance: [...manifest.provenance, ...provenance(recipe, inputs, corpus, decisions)],
    updates: [...(manifest.updates ?? []), update],
  };
}

function takeDownsOf({ removals = [] }: Manifest): TakeDown {
  return { ids: removals.flatMap(({ ids }) => ids), urls: removals.flatMap(({ urls }) => urls) };
}

/** Runs the tasks that have no saved result; gives the results of all, in order. */
async function runMissing(
  pool: WorkerPool,
  tasks: (SignTask | UnitTask)[],
  work: string,
  onUnit: (done: number, total: number, documents: number) => void,
): Promise<UnitResult[]> {
  const results = tasks.map(({ index }) => savedResult<UnitResult>(unitResultPath(work, index)));
  let done = 0;
  let documents = 0;
  const count = (result: UnitResult) => {
    results[result.index] = result;
    documents += result.lengths.length + result.rejectLengths.length;
    onUnit(++done, tasks.length, documents);
  };
  const missing = tasks.filter(({ index }) => results[index] === undefined);
  for (const result of results) if (result !== undefined) count(result);
  await pool.run<SignTask | UnitTask, UnitResult>(missing, count);
  return results as UnitResult[];
}

/** A new document that is near to one of the corpus goes to that one's side, wherever its digest would send it. */
function keepSides({ split, cluster, dropped }: Decisions, corpus: SpilledCorpus, manifest: Manifest): void {
  const sides = SPLITS.flatMap((name, side) => manifest.splits[name].shards.map(() => side));
  for (let i = corpus.existing.documents; i < corpus.documents; i++) {
    const first = cluster[i]!;
    if (dropped[i] !== 0 || first < 0 || first >= corpus.existing.documents) continue;
    split[i] = sides[corpus.unitOf(first)]!;
  }
}

/** One more than the largest number of a shard so far, those of earlier revisions included. */
function nextNumbers(manifest: Manifest): ShardNumbers {
  const next = (files: DataFile[]) =>
    files.reduce((n, { file }) => Math.max(n, 1 + Number(/-(\d{5})(-r\d+)?\.jsonl\.zst$/.exec(file)![1])), 0);
  const [train, validation, test] = SPLITS.map((split) => next(manifest.splits[split].shards));
  return { train: train!, validation: validation!, test: test!, rejects: next(manifest.rejects.shards) };
}

function merged(manifest: Manifest, written: Written, added: Manifest['collections']): Manifest {
  const next = structuredClone(manifest);
  for (const split of SPLITS) {
    next.splits[split].documents += written.splits[split].documents;
    next.splits[split].characters += written.splits[split].characters;
    next.splits[split].shards.push(...written.splits[split].shards);
    next.counts.kept += written.splits[split].documents;
    next.counts.characters += written.splits[split].characters;
  }
  next.metaFields = [...new Set([...(manifest.metaFields ?? []), ...written.metaFields])].sort();
  next.rejects.documents += written.rejects.documents;
  next.rejects.shards.push(...written.rejects.shards);
  next.counts.dropped += written.rejects.documents;
  next.counts.contentBytes += written.contentBytes;
  for (const [name, { read, kept, characters, nearDuplicates = 0 }] of Object.entries(added)) {
    const collection = next.collections[name] ?? { read: 0, kept: 0, characters: 0 };
    const near = (collection.nearDuplicates ?? 0) + nearDuplicates;
    next.collections[name] = {
      ...(near === 0 ? {} : { nearDuplicates: near }),
      read: collection.read + read,
      kept: collection.kept + kept,
      characters: collection.characters + characters,
    };
    next.counts.read += read;
  }
  return next;
}

/** Counts of the same stage are added up; stages that only the update has follow. */
function mergedStages(old: Manifest['stages'], added: Manifest['stages']): Manifest['stages'] {
  const stages = structuredClone(old);
  for (const stage of added) {
    const same = stages.find(({ stage: name }) => name === stage.stage);
    if (same === undefined) {
      stages.push(stage);
      continue;
    }
    same.documents += stage.documents;
    if (stage.changed !== undefined) same.changed = (same.changed ?? 0) + stage.changed;
    same.characters += stage.characters;
    if (same.bytes !== undefined || stage.bytes !== undefined) same.bytes = (same.bytes ?? 0) + (stage.bytes ?? 0);
    same.reasons = addCounts([same.reasons, stage.reasons]);
  }
  return stages;
}
