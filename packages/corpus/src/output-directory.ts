/**
 * A corpus directory appears whole or not at all: it is built beside its place as `NAME.building`, synced and renamed.
 * What a killed build left there is removed by the next one; a directory that is something else is never touched.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { CorpusError, writeProblem } from './errors.ts';

const MARK = '.tunan-building';

/** Makes the empty directory to build in. @throws CorpusError CORPUS_OUTPUT where it cannot be, or another build runs. */
export function startBuilding(out: string): string {
  const building = join(dirname(resolve(out)), `${basename(resolve(out))}.building`);
  clearAbandoned(building);
  try {
    mkdirSync(building, { recursive: true });
    writeFileSync(join(building, MARK), `${process.pid}\n`, { flag: 'wx' }); // of two builds at once one fails
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw anotherBuild(building);
    throw writeProblem(building, error);
  }
  return building;
}

/** Puts the finished directory in its place. */
export function finishBuilding(building: string, out: string): void {
  try {
    rmSync(join(building, MARK));
    for (const folder of [building, ...foldersIn(building)]) syncDirectory(folder);
    if (existsSync(out)) rmdirSync(out); // empty: anything else was refused before the build began
    renameSync(building, resolve(out));
    syncDirectory(dirname(resolve(out)));
  } catch (error) {
    throw writeProblem(out, error);
  }
}

/** True where nothing stands, or an empty directory. */
export function isFree(out: string): boolean {
  try {
    return readdirSync(out).length === 0;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return true;
    if (code === 'ENOTDIR') return false;
    throw writeProblem(out, error);
  }
}

/** Writes a small file and syncs it. */
export function writeSynced(path: string, content: string): void {
  try {
    writeFileSync(path, content, { flush: true });
  } catch (error) {
    throw writeProblem(path, error);
  }
}

function clearAbandoned(building: string): void {
  if (isFree(building)) return;
  const mark = join(building, MARK);
  if (!existsSync(mark)) {
    throw new CorpusError('CORPUS_OUTPUT', `${building} is in the way and no build left it there; move it elsewhere`);
  }
  const owner = Number(readFileSync(mark, 'utf8'));
  if (owner > 0 && owner !== process.pid && isAlive(owner)) throw anotherBuild(building, owner);
  rmSync(building, { recursive: true });
}

function anotherBuild(building: string, owner?: number): CorpusError {
  const who = owner === undefined ? 'another build' : `another build (process ${owner})`;
  return new CorpusError('CORPUS_OUTPUT', `${who} is writing ${building}; wait for it`);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function foldersIn(directory: string): string[] {
  const entries = readdirSync(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(directory, entry.name));
}

function syncDirectory(directory: string): void {
  const file = openSync(directory, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
