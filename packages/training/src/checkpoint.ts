/**
 * Checkpoints of a run: checkpoints/step-N/, each a whole model directory plus optimizer.safetensors and state.json with
 * the SHA-256 of every other file.
 *
 * A checkpoint is written as step-N.tmp, every file and the directory synced, and then renamed: what is called step-N is
 * whole. Reading verifies every byte before anything is used. The last `keep` stay. There is no state of a random generator in
 * it: data order and dropout are functions of (seed, sample number).
 */

import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { explainWriteFailure, TrainingError } from './errors.ts';
import { fileSha256 } from './file-checksum.ts';

const STATE = 'state.json';

const stateSchema = z.object({
  version: z.literal(1),
  step: z.int().nonnegative(),
  /** Position in the data order: the number of the next sample. */
  samples: z.int().nonnegative(),
  tokens: z.int().nonnegative(),
  seed: z.int(),
  planHash: z.string(),
  /** Every source when the checkpoint was made: other tokens would be another run. */
  sources: z.array(z.object({ documents: z.int(), tokens: z.int(), sha256: z.string() })),
  sha256: z.record(z.string(), z.string()),
});

export type CheckpointState = z.output<typeof stateSchema>;

/** Names of the finished checkpoints, the newest first. */
export function listCheckpoints(directory: string): string[] {
  if (!fs.existsSync(directory)) return [];
  return fs
    .readdirSync(directory)
    .filter((name) => /^step-\d+$/.test(name))
    .sort((a, b) => stepOf(b) - stepOf(a));
}

/**
 * Writes checkpoint `step-N`.
 * @param write puts the files into the directory it is given
 * @returns the path of the checkpoint
 * @throws TrainingError TRAINING_WRITE_FAILED naming the last good checkpoint; nothing finished is touched
 */
export function writeCheckpoint(
  directory: string,
  state: Omit<CheckpointState, 'version' | 'sha256'>,
  keep: number,
  write: (aside: string) => void,
): string {
  const final = path.join(directory, `step-${state.step}`);
  const aside = `${final}.tmp`;
  try {
    fs.mkdirSync(directory, { recursive: true });
    removeUnfinished(directory);
    fs.mkdirSync(aside);
    write(aside);
    const sha256 = Object.fromEntries(
      fs
        .readdirSync(aside)
        .sort()
        .map((name) => [name, fileSha256(path.join(aside, name))]),
    );
    const content: CheckpointState = { version: 1, ...state, sha256 };
    fs.writeFileSync(path.join(aside, STATE), `${JSON.stringify(content, null, 2)}\n`);
    for (const name of fs.readdirSync(aside)) syncPath(path.join(aside, name));
    syncPath(aside);
    fs.rmSync(final, { recursive: true, force: true }); // of the same step, from before a resume
    fs.renameSync(aside, final);
    syncPath(directory);
  } catch (error) {
    const good = listCheckpoints(directory)[0];
    const after =
      good === undefined
        ? 'no checkpoint was written yet'
        : `the last good checkpoint is ${path.join(directory, good)}`;
    // Room is given back at once; when even that fails, the reason is the same and the first one is told.
    removeIfPossible(aside);
    throw explainWriteFailure(error, `checkpoint ${final}`, after);
  }
  for (const name of listCheckpoints(directory).slice(keep)) fs.rmSync(path.join(directory, name), { recursive: true });
  return final;
}

/** On a file system that has become read-only even removing fails; what went wrong before is what the user must hear. */
function removeIfPossible(path: string): void {
  try {
    fs.rmSync(path, { recursive: true, force: true, maxRetries: 1 });
  } catch (error) {
    if (!['EROFS', 'EIO', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/**
 * Reads the state of a checkpoint and verifies all its files.
 * @throws TrainingError TRAINING_CHECKPOINT_DAMAGED naming the file, and the older checkpoint that is good if there is one
 */
export function readCheckpoint(checkpoint: string): CheckpointState {
  const damage = findDamage(checkpoint);
  if (typeof damage !== 'string') return damage;
  const directory = path.dirname(checkpoint);
  const older = listCheckpoints(directory)
    .filter((name) => stepOf(name) < stepOf(path.basename(checkpoint)))
    .find((name) => typeof findDamage(path.join(directory, name)) !== 'string');
  const mend =
    older === undefined
      ? 'no older checkpoint is good: start the run anew in another directory'
      : `${path.join(directory, older)} is good: move ${path.basename(checkpoint)} away and resume to go on from there`;
  throw new TrainingError('TRAINING_CHECKPOINT_DAMAGED', `${damage}; ${mend}`);
}

/** The state if every file is as it was written, otherwise what is wrong. */
function findDamage(checkpoint: string): CheckpointState | string {
  const file = path.join(checkpoint, STATE);
  if (!fs.existsSync(file)) return `${file} is missing`;
  const text = fs.readFileSync(file, 'utf8');
  const parsed = stateSchema.safeParse(parseOrUndefined(text));
  if (!parsed.success) return `${file} is not the state of a checkpoint`;
  for (const [name, sha256] of Object.entries(parsed.data.sha256)) {
    const member = path.join(checkpoint, name);
    if (!fs.existsSync(member)) return `${member} is missing`;
    if (fileSha256(member) !== sha256) return `${member} does not have the checksum it was written with`;
  }
  return parsed.data;
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // reported by the schema
    throw error;
  }
}

function removeUnfinished(directory: string): void {
  for (const name of fs.readdirSync(directory)) {
    if (/^step-\d+\.tmp$/.test(name)) fs.rmSync(path.join(directory, name), { recursive: true });
  }
}

function stepOf(name: string): number {
  return Number(name.slice('step-'.length));
}

function syncPath(file: string): void {
  const descriptor = fs.openSync(file, 'r');
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}
