/**
 * Checkpoints of a run: checkpoints/step-N/, each a whole model directory plus optimizer.safetensors and state.json with the SHA-256 of
 * every other file. Several processes write a part of the optimizer's state each; where they share the model, of its weights too.
 *
 * A checkpoint is written as step-N.partial, every file and the directory synced, and then renamed (checkpoint-writer.ts): what is called
 * step-N is whole. Reading verifies every byte before anything is used. There is no state of a random generator in it: data order and
 * dropout are functions of (seed, sample number).
 */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileSha256Sync } from '@tunan/files';
import type { Said } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { TrainingError } from '../errors.ts';
import { Mesh } from '../parallel/mesh.ts';
import type { StepNumbers } from '../spike-rule.ts';
import { listCheckpoints, STATE } from './checkpoint-files.ts';

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
  /** The recent steps, by which those are told that leap; where the recipe skips them. */
  recent: z.array(z.object({ loss: z.number(), gradientNorm: z.number() })).optional(),
  /** Where the products are float16. */
  lossScale: z.object({ scale: z.number().positive(), goodSteps: z.int().nonnegative() }).optional(),
  sha256: z.record(z.string(), z.string()),
});

export type CheckpointState = z.output<typeof stateSchema>;

/** What a checkpoint says of the run beside its files. */
export type CheckpointPosition = Omit<z.input<typeof stateSchema>, 'version' | 'sha256' | 'recent'> & {
  readonly recent?: readonly StepNumbers[];
};

/** Said at the end of errors after which a run can be gone on with. */
export function lastGood(checkpoint: string | undefined): Said {
  if (checkpoint === undefined) return { en: 'no checkpoint was written yet', zh: '尚未写出检查点' };
  return { en: `the last good checkpoint is ${checkpoint}`, zh: `最近的可用检查点是 ${checkpoint}` };
}

/** A checkpoint whose files are as they were written. */
export interface GoodCheckpoint {
  /** Path of its directory. */
  readonly directory: string;
  readonly state: CheckpointState;
}

/** A checkpoint that cannot be used, and why. */
export interface DamagedCheckpoint {
  readonly directory: string;
  readonly damage: Said;
}

/**
 * The newest checkpoint that is good, and the damaged ones before it; undefined where there is none at all.
 * @param mesh of all who call it, who share the work and find the same
 * @throws TrainingError TRAINING_CHECKPOINT_DAMAGED where there are some and none is good
 */
export function newestGoodCheckpoint(
  directory: string,
  mesh = Mesh.alone(),
): { readonly good: GoodCheckpoint; readonly damaged: readonly DamagedCheckpoint[] } | undefined {
  const damaged: DamagedCheckpoint[] = [];
  const [names = []] = mesh.gather(listCheckpoints(directory));
  for (const name of names) {
    const checkpoint = path.join(directory, name);
    const found = verify(checkpoint, mesh);
    if ('state' in found) return { good: found, damaged };
    damaged.push(found);
  }
  const [newest] = damaged;
  if (newest === undefined) return undefined;
  throw new TrainingError('TRAINING_CHECKPOINT_DAMAGED', {
    en: `${newest.damage.en}; no other checkpoint is good: start the run anew in another directory`,
    zh: `${newest.damage.zh}；其他检查点也都不可用：请换一个目录重新训练`,
  });
}

/** Files that decide numbers; a note in README.md is anybody's. */
const DECIDING = /\.safetensors(\.index\.json)?$|^config\.json$|^tokenizer\.json$/;

/** Each process looks at some of the files; of what is damaged all find the first. */
function verify(directory: string, mesh: Mesh): GoodCheckpoint | DamagedCheckpoint {
  const state = readState(path.join(directory, STATE));
  const own = 'damage' in state ? { at: -1, damage: state.damage } : damageAmong(directory, state, mesh.world);
  const [first] = mesh
    .gather(own, true)
    .filter((one) => one !== undefined)
    .sort((a, b) => a.at - b.at);
  return first === undefined ? { directory, state: state as CheckpointState } : { directory, damage: first.damage };
}

/** The first damaged one of every `size`-th file. */
function damageAmong(
  directory: string,
  { sha256 }: CheckpointState,
  { rank, size }: Mesh['world'],
): { readonly at: number; readonly damage: Said } | undefined {
  for (const [at, [name, expected]] of Object.entries(sha256)
    .filter(([name]) => DECIDING.test(name))
    .entries()) {
    const damage = at % size === rank ? damageOf(path.join(directory, name), expected) : undefined;
    if (damage !== undefined) return { at, damage };
  }
  return undefined;
}

function readState(file: string): CheckpointState | { readonly damage: Said } {
  if (!existsSync(file)) return { damage: damageIn(file, 'is missing', '缺失') };
  const parsed = stateSchema.safeParse(parseOrUndefined(readFileSync(file, 'utf8')));
  return parsed.data ?? { damage: damageIn(file, 'is not the state of a checkpoint', '不是检查点的状态文件') };
}

function damageOf(file: string, sha256: string): Said | undefined {
  if (!existsSync(file)) return damageIn(file, 'is missing', '缺失');
  if (fileSha256Sync(file) === sha256) return undefined;
  return damageIn(file, 'does not have the checksum it was written with', '的校验和与写入时不符');
}

function damageIn(file: string, en: string, zh: string): Said {
  return { en: `${file} ${en}`, zh: `${file} ${zh}` };
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // reported by the schema
    throw error;
  }
}
