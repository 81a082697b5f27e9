/**
 * A corpus directory appears whole or not at all: it is built beside its place as `NAME.building`, synced and renamed.
 * What a killed build left there the next one of the same recipe and input goes on with, and another one removes; a
 * directory that is something else is never touched.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { LockHeldError, makeFolder as makeFolderThere, ProcessLock, syncPath } from '@tunan/files';
import { CorpusError, writeProblem } from '../errors.ts';

/** Held in a finished corpus while it is changed. */
const LOCK = '.tunan-building';
/** What is built: a build of something else does not go on with it. */
const SUBJECT = '.tunan-subject';
/** Temporary files of a build. */
export const WORK = 'work';

/** A directory to build in, held until it is disposed of. */
export interface Building extends Disposable {
  readonly building: string;
  /** Whether a killed build of the same subject left something there to go on with. */
  readonly resumed: boolean;
}

/**
 * Makes the directory to build in, or takes over what a killed build of the same subject left.
 * @throws CorpusError CORPUS_OUTPUT where it cannot be, or another build runs.
 */
export function startBuilding(out: string, subject: string): Building {
  const building = join(dirname(resolve(out)), `${basename(resolve(out))}.building`);
  makeFolder(dirname(building));
  const lock = acquire(`${building}.lock`, building);
  try {
    const resumed = takeOver(building, subject);
    makeFolder(building);
    if (!resumed) writeSynced(join(building, SUBJECT), subject);
    return { building, resumed, [Symbol.dispose]: () => lock[Symbol.dispose]() };
  } catch (error) {
    lock[Symbol.dispose]();
    throw writeProblem(building, error);
  }
}

/** Makes a folder and those above it. @throws CorpusError CORPUS_OUTPUT that names the folder which cannot be made */
export function makeFolder(path: string): void {
  try {
    makeFolderThere(path);
  } catch (error) {
    throw writeProblem(path, error);
  }
}

/** Puts the finished directory in its place. Killed at any point here, the next build ends it. */
export function finishBuilding(building: string, out: string): void {
  try {
    for (const folder of [building, ...foldersIn(building)]) syncPath(folder);
    if (existsSync(out)) rmdirSync(out); // empty: anything else was refused before the build began
    renameSync(building, resolve(out));
    syncPath(dirname(resolve(out)));
    clearTraces(out);
  } catch (error) {
    throw writeProblem(out, error);
  }
}

/** Removes what a build leaves in a finished directory where it is killed at its last step. */
export function clearTraces(out: string): void {
  for (const name of [WORK, SUBJECT]) rmSync(join(out, name), { recursive: true, force: true });
}

/** Removes the building directory of an update, whose files stand in the corpus itself. */
export function discardBuilding(building: string): void {
  rmSync(building, { recursive: true, force: true });
}

/** Holds a finished directory for one change. @throws CorpusError CORPUS_OUTPUT where another process changes it */
export function claimDirectory(directory: string): Disposable {
  return acquire(join(directory, LOCK), directory);
}

function acquire(file: string, directory: string): ProcessLock {
  try {
    return ProcessLock.acquire(file);
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw writeProblem(directory, error);
    const who = error.holder === '' ? { en: '', zh: '' } : { en: ` (${error.holder})`, zh: `（${error.holder}）` };
    const en = `another build${who.en} is writing ${directory}; wait for it`;
    throw new CorpusError(
      'CORPUS_OUTPUT',
      { en, zh: `另一个构建${who.zh}正在写 ${directory}；请等它结束` },
      { cause: error },
    );
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

/** True where the directory holds the beginning of the same build; what another build left is removed. */
function takeOver(building: string, subject: string): boolean {
  if (isFree(building)) return false;
  const subjectFile = join(building, SUBJECT);
  if (!existsSync(subjectFile)) {
    throw new CorpusError('CORPUS_OUTPUT', {
      en: `${building} is in the way and no build left it there; move it elsewhere`,
      zh: `${building} 挡住了去路，且不是构建留下的；请移到别处`,
    });
  }
  if (readFileSync(subjectFile, 'utf8') === subject) return true;
  rmSync(building, { recursive: true });
  return false;
}

function foldersIn(directory: string): string[] {
  const entries = readdirSync(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(directory, entry.name));
}
