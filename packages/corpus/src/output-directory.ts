/**
 * A corpus directory appears whole or not at all: it is built beside its place as `NAME.building`, synced and renamed.
 * What a killed build left there the next one of the same recipe and input goes on with, and another one removes; a
 * directory that is something else is never touched.
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
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { CorpusError, writeProblem } from './errors.ts';

/** Names the process that builds. */
const MARK = '.tunan-building';
/** What is built: a build of something else does not go on with it. */
const SUBJECT = '.tunan-subject';
/** Temporary files of a build. */
export const WORK = 'work';

/**
 * Makes the directory to build in, or takes over what a killed build of the same subject left.
 * @throws CorpusError CORPUS_OUTPUT where it cannot be, or another build runs.
 */
export function startBuilding(out: string, subject: string): { building: string; resumed: boolean } {
  const building = join(dirname(resolve(out)), `${basename(resolve(out))}.building`);
  const resumed = takeOver(building, subject);
  try {
    makeFolder(building);
    writeFileSync(join(building, MARK), `${process.pid}\n`, { flag: 'wx' }); // of two builds at once one fails
    if (!resumed) writeSynced(join(building, SUBJECT), subject);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw anotherBuild(building);
    throw writeProblem(building, error);
  }
  return { building, resumed };
}

/**
 * Makes a folder and those above it. Not mkdir's own `recursive`: below /proc and the like, where nothing can be made, it
 * tries for ever.
 * @throws CorpusError CORPUS_OUTPUT that names the folder which cannot be made
 */
export function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at) && at !== dirname(at); at = dirname(at)) missing.push(at);
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder);
    } catch (error) {
      // Somebody else may have made it meanwhile.
      if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) throw writeProblem(folder, error);
    }
  }
}

/** Puts the finished directory in its place. Killed at any point here, the next build ends it. */
export function finishBuilding(building: string, out: string): void {
  try {
    for (const folder of [building, ...foldersIn(building)]) syncDirectory(folder);
    if (existsSync(out)) rmdirSync(out); // empty: anything else was refused before the build began
    renameSync(building, resolve(out));
    syncDirectory(dirname(resolve(out)));
    clearTraces(out);
  } catch (error) {
    throw writeProblem(out, error);
  }
}

/** Removes what a build leaves in a finished directory where it is killed at its last step. */
export function clearTraces(out: string): void {
  for (const name of [WORK, SUBJECT, MARK]) rmSync(join(out, name), { recursive: true, force: true });
}

/** Removes the building directory of an update, whose files stand in the corpus itself. */
export function discardBuilding(building: string): void {
  rmSync(building, { recursive: true, force: true });
}

/** Leaves the building directory for the next build to go on with. */
export function leaveBuilding(building: string): void {
  rmSync(join(building, MARK), { force: true });
}

/** Holds a finished directory for one change. @throws CorpusError CORPUS_OUTPUT where another process changes it */
export function claimDirectory(directory: string): Disposable {
  const mark = join(directory, MARK);
  if (existsSync(mark)) takeMark(directory, mark);
  try {
    writeFileSync(mark, `${process.pid}\n`, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw anotherBuild(directory);
    throw writeProblem(directory, error);
  }
  return { [Symbol.dispose]: () => rmSync(mark, { force: true }) };
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
  const mark = join(building, MARK);
  const subjectFile = join(building, SUBJECT);
  if (!existsSync(mark) && !existsSync(subjectFile)) {
    throw new CorpusError('CORPUS_OUTPUT', `${building} is in the way and no build left it there; move it elsewhere`);
  }
  if (existsSync(mark)) takeMark(building, mark);
  if (existsSync(subjectFile) && readFileSync(subjectFile, 'utf8') === subject) return true;
  rmSync(building, { recursive: true });
  return false;
}

/** Removes the mark of a process that is no more. */
function takeMark(directory: string, mark: string): void {
  const owner = Number(readFileSync(mark, 'utf8'));
  if (owner > 0 && owner !== process.pid && isAlive(owner)) throw anotherBuild(directory, owner);
  // Of two processes that find the same dead owner one moves its mark away, and the other one fails.
  const taken = `${mark}.${process.pid}`;
  renameSync(mark, taken);
  const ownerTaken = Number(readFileSync(taken, 'utf8'));
  if (ownerTaken !== owner) {
    renameSync(taken, mark);
    throw anotherBuild(directory, ownerTaken);
  }
  rmSync(taken);
}

function anotherBuild(building: string, owner?: number): CorpusError {
  const who = owner === undefined ? 'another build' : `another build (process ${owner})`;
  return new CorpusError('CORPUS_OUTPUT', `${who} is writing ${building}; wait for it`);
}

export function isAlive(pid: number): boolean {
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
