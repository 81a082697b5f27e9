/** What a run of tuning keeps beside the log and the checkpoints of every run. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { writeWhole } from '@tunan/files';
import { readJsonFile } from '@tunan/protocol/mistakes';

export type Way = 'lora' | 'full';

/** The adapter or model by itself. */
export function outputOf(directory: string, way: Way): string {
  return path.join(directory, way === 'lora' ? 'adapter' : 'model');
}

/** That of the step at which the loss on what is held out was lowest. */
export function bestOf(directory: string): string {
  return path.join(directory, 'best');
}

/** JSON lines of what is trained on and of what is held out. */
export function examplesOf(directory: string): [trained: string, heldOut: string] {
  return [path.join(directory, 'examples', 'trained.jsonl'), path.join(directory, 'examples', 'held-out.jsonl')];
}

const before = (directory: string) => path.join(directory, 'before.json');

/** The loss on what is held out that the base had. @param sha256 of its weights */
export function readLossBefore(directory: string, sha256: string | undefined): number | undefined {
  const file = before(directory);
  if (!existsSync(file)) return undefined;
  const read = readJsonFile(file);
  const value = 'problem' in read ? {} : (read.value as { sha256?: unknown; loss?: unknown });
  return value.sha256 === sha256 && typeof value.loss === 'number' ? value.loss : undefined;
}

export function writeLossBefore(directory: string, sha256: string, loss: number): void {
  writeWhole(before(directory), `${JSON.stringify({ sha256, loss })}\n`);
}
