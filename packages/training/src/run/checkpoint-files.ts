/**
 * Checkpoints as files: written as step-N.partial by every process its own part, synced, hashed, and at last given their name. Light, for
 * the thread that does it while training goes on.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileSha256Sync, syncPath } from '@tunan/files';

export const STATE = 'state.json';

/** Hashes by the names of files. */
export type PartHashes = readonly (readonly [name: string, sha256: string])[];

/** Names of the finished checkpoints, the newest first. */
export function listCheckpoints(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /^step-\d+$/.test(entry.name))
    .map(({ name }) => name)
    .sort((a, b) => stepOf(b) - stepOf(a));
}

/** Of a checkpoint, by its name. */
export function stepOf(name: string): number {
  return Number(name.slice('step-'.length));
}

/** Makes the folder that parts are written into; what a killed process left goes. */
export function makeAside(aside: string): void {
  const directory = path.dirname(aside);
  mkdirSync(directory, { recursive: true });
  for (const name of readdirSync(directory)) {
    if (/^step-\d+\.partial$/.test(name)) rmSync(path.join(directory, name), { recursive: true });
  }
  mkdirSync(aside);
}

/**
 * In a folder of this process, so that it knows its files from those of others.
 * @param write puts the files of this process into the directory it is given
 * @returns the hashes of what is on the disk
 */
export function writePart(aside: string, rank: number, write: (directory: string) => void): PartHashes {
  const own = path.join(aside, `rank-${rank}`);
  mkdirSync(own);
  write(own);
  const names = readdirSync(own).sort();
  for (const name of names) {
    syncPath(path.join(own, name));
    renameSync(path.join(own, name), path.join(aside, name));
  }
  rmdirSync(own);
  return names.map((name) => [name, fileSha256Sync(path.join(aside, name))]);
}

export interface FinishOptions {
  readonly aside: string;
  /** What becomes state.json. */
  readonly content: unknown;
  /** The last so many stay. */
  readonly keep: number;
}

/** When all parts are on the disk: the state, the name, and what is too old goes. @returns the path of the checkpoint */
export function finishCheckpoint({ aside, content, keep }: FinishOptions): string {
  writeFileSync(path.join(aside, STATE), `${JSON.stringify(content, null, 2)}\n`);
  syncPath(path.join(aside, STATE));
  syncPath(aside);
  const final = aside.replace(/\.partial$/, '');
  rmSync(final, { recursive: true, force: true }); // of the same step, from before a resume
  renameSync(aside, final);
  const directory = path.dirname(final);
  syncPath(directory);
  for (const name of listCheckpoints(directory).slice(keep)) rmSync(path.join(directory, name), { recursive: true });
  return final;
}
