/**
 * What a build reads: every source of the recipe resolved to files in a fixed order. A unit is one file of one
 * collection; units are what workers share out, and their order decides which copy of a duplicate is kept.
 */
import { createHash } from 'node:crypto';
import { createReadStream, readdirSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Draft } from '../document.ts';
import { CorpusError } from '../errors.ts';
import type { Recipe } from '../recipe.ts';
import { stageFiles } from '../stages/document-stages.ts';
import { readJsonlFile } from './jsonl-source.ts';
import { npmPackageFiles, readPackageFile } from './npm-package-source.ts';

export type Unit = {
  /** Index of the source in the recipe, and of the collection in the source. */
  source: number;
  collection: number;
  /** Absolute path on this machine; never written into the corpus. */
  path: string;
  /** Path inside the source, the stable part of document ids. */
  name: string;
};

export type Input = Unit & { bytes: number; sha256: string };

/** A file or folder that a stage reads, as the recipe names it. */
export type StageInput = { name: string; bytes: number; sha256: string };

/** Finds and fingerprints all files of the sources. @throws CorpusError CORPUS_SOURCE_MISSING with what to mend. */
export async function resolveInputs(recipe: Recipe, base: string): Promise<Input[]> {
  const units = recipe.sources.flatMap((source, index): Unit[] => {
    if (source.type === 'npm-package') return npmPackageFiles(source, base).map((file) => ({ source: index, ...file }));
    return source.paths.map((name) => ({ source: index, collection: 0, path: resolve(base, name), name }));
  });
  const inputs: Input[] = [];
  for (const unit of units) inputs.push({ ...unit, ...(await fingerprint(unit.path)) });
  return inputs;
}

/** Fingerprints what the stages read: another word list makes another corpus. */
export async function resolveStageInputs(recipe: Recipe, base: string): Promise<StageInput[]> {
  const inputs: StageInput[] = [];
  for (const name of new Set(recipe.stages.flatMap(stageFiles))) {
    const path = resolve(base, name);
    for (const file of isDirectory(path) ? filesBelow(path) : ['']) {
      inputs.push({ name: join(name, file), ...(await fingerprint(join(path, file))) });
    }
  }
  return inputs;
}

/** One digest of everything that was read: names, sizes and contents, not where the files lie. */
export function inputsSha256(inputs: Input[], stageInputs: StageInput[] = []): string {
  const hash = createHash('sha256');
  for (const i of inputs) hash.update(`${i.source} ${i.collection} ${i.name} ${i.bytes} ${i.sha256}\n`);
  for (const i of stageInputs) hash.update(`stage ${i.name} ${i.bytes} ${i.sha256}\n`);
  return hash.digest('hex');
}

/** The drafts of one unit in file order. */
export function readUnit(recipe: Recipe, unit: Unit): AsyncGenerator<Draft> {
  const source = recipe.sources[unit.source]!;
  if (source.type === 'npm-package') return readPackageFile(source, unit);
  return readJsonlFile(source, unit);
}

async function fingerprint(path: string): Promise<{ bytes: number; sha256: string }> {
  try {
    const info = await stat(path);
    if (!info.isFile()) throw new CorpusError('CORPUS_SOURCE_MISSING', `source ${path} is not a file`);
    const hash = createHash('sha256');
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
    return { bytes: info.size, sha256: hash.digest('hex') };
  } catch (cause) {
    if (cause instanceof CorpusError) throw cause;
    throw new CorpusError('CORPUS_SOURCE_MISSING', `cannot read source ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Paths of all files below a folder, relative to it, in one order on every machine. */
export function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.map((path) => relative(folder, path).replaceAll('\\', '/')).sort();
}
