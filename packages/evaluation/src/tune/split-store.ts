/**
 * Answers of finished splits on disk, so that an interrupted tuning goes on with the next split. A file counts only for the same
 * model, task, settings and sequences, whose hash it carries; any other is trained anew and written over.
 */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { makeFolder, writeWhole } from '@tunan/files';
import type { Answer } from './fine-tune.ts';
import type { TuningText } from './tuning-text.ts';

export class SplitStore {
  readonly #directory: string;
  readonly #identity: string;

  /** @param identity names the model and the settings of learning */
  constructor(directory: string, identity: string) {
    this.#directory = directory;
    this.#identity = identity;
  }

  /** @param sets what is learnt from, what decides, what is answered */
  key(sets: readonly (readonly TuningText[])[]): string {
    const hash = createHash('sha256').update(this.#identity);
    for (const set of sets) {
      hash.update(`\n${set.length}`);
      for (const { gold, sequences } of set) {
        hash.update(`\n${gold}`);
        for (const ids of sequences) hash.update(`\n${ids.join()}`);
      }
    }
    return hash.digest('base64url');
  }

  /** Undefined where there are none, or of something else. */
  read(name: string, key: string): readonly Answer[] | undefined {
    const file = this.#file(name);
    if (!existsSync(file)) return undefined;
    const stored = JSON.parse(readFileSync(file, 'utf8')) as { key: string; answers: Answer[] };
    return stored.key === key ? stored.answers : undefined;
  }

  write(name: string, key: string, answers: readonly Answer[]): void {
    makeFolder(this.#directory);
    writeWhole(this.#file(name), JSON.stringify({ key, answers }));
  }

  #file(name: string): string {
    return path.join(this.#directory, `${name}.json`);
  }
}
