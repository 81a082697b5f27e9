/**
 * Corpora, runs and evaluations below a folder, told by the files that make them whole. Links are not followed, and no more is looked
 * through than a request may cost.
 */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';

export type PlaceKind = 'run' | 'corpus' | 'evaluation';

export interface Place {
  readonly kind: PlaceKind;
  /** Of its path: the same after a restart, and all that a caller ever sends. */
  readonly id: string;
  /** Below the folder, with slashes. */
  readonly path: string;
  readonly directory: string;
}

export interface Found {
  readonly places: readonly Place[];
  /** There is more than was looked through. */
  readonly truncated: boolean;
}

const DEEPEST = 6;
const MOST_FOLDERS = 3_000;
const MOST_PLACES = 1_000;
/** Names in one folder: what holds more is no place where somebody keeps runs. */
const MOST_NAMES = 10_000;
/** Of runs, corpora and evaluations, and of programs. */
const INNER = new Set(['checkpoints', 'shards', 'rejects', 'tensorboard', 'cache', 'node_modules']);

export async function findPlaces(root: string): Promise<Found> {
  const places: Place[] = [];
  let folders: readonly string[] = [''];
  let looked = 0;
  let truncated = false;
  for (let depth = 0; depth <= DEEPEST && folders.length > 0; depth++) {
    const next: string[] = [];
    for (const folder of folders) {
      if (++looked > MOST_FOLDERS || places.length >= MOST_PLACES) return { places, truncated: true };
      const directory = path.join(root, folder);
      const entries = await entriesOf(directory);
      if (entries.length > MOST_NAMES) {
        truncated = true;
        continue;
      }
      const kind = kindOf(new Set(entries.filter((entry) => entry.isFile()).map(({ name }) => name)));
      if (kind !== undefined) places.push({ kind, id: idOf(folder), path: folder, directory });
      next.push(
        ...entries
          .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !INNER.has(entry.name))
          .map(({ name }) => path.posix.join(folder, name)),
      );
    }
    folders = next;
  }
  return { places, truncated: truncated || folders.length > 0 };
}

function kindOf(names: ReadonlySet<string>): PlaceKind | undefined {
  if (names.has('recipe.json') && names.has('log.jsonl')) return 'run';
  if (names.has('results.json')) return 'evaluation';
  return names.has('manifest.json') ? 'corpus' : undefined;
}

const idOf = (folder: string): string => createHash('sha256').update(folder).digest('hex').slice(0, 20);

/** A folder that is gone by now, or not ours to read, has nothing. */
async function entriesOf(directory: string) {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP', 'ENXIO', 'EISDIR'].includes(code);
}
