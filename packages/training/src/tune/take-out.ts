/** What others take of a run: the adapter or the model of a checkpoint, without what is of the run alone. */

import { cpSync, existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { writeWhole } from '@tunan/files';
import { TrainingError } from '../errors.ts';
import type { LogLine } from '../run/run-log.ts';
import { bestOf } from '../run/tuned-files.ts';

/** Of no use to others. */
const OF_THE_RUN = /^optimizer.*\.safetensors$|^state\.json$/;

/**
 * A copy of a checkpoint as others take it, whole or not at all. Files of a checkpoint never change, so that a link is a copy where the
 * file system has links.
 * @throws TrainingError TRAINING_WRITE_FAILED
 */
export function takeOut(checkpoint: string, output: string, chatTemplate: string | undefined): string {
  const aside = `${output}.partial`;
  try {
    rmSync(aside, { recursive: true, force: true });
    mkdirSync(aside);
    for (const name of readdirSync(checkpoint).filter((one) => !OF_THE_RUN.test(one)))
      linkOrCopy(path.join(checkpoint, name), path.join(aside, name));
    const file = path.join(aside, 'chat_template.jinja');
    if (chatTemplate !== undefined && !existsSync(file)) writeWhole(file, chatTemplate);
    rmSync(output, { recursive: true, force: true });
    renameSync(aside, output);
  } catch (error) {
    throw new TrainingError(
      'TRAINING_WRITE_FAILED',
      {
        en: `cannot write ${output}: the checkpoint ${checkpoint} holds the same; make room and go on with --resume`,
        zh: `无法写入 ${output}：检查点 ${checkpoint} 的内容相同；请腾出空间后用 --resume 继续`,
      },
      { cause: error },
    );
  }
  return output;
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    cpSync(from, to, { recursive: true }); // a file system without links, or a folder
  }
}

/** Keeps what had the lowest loss on what is held out while the run goes on, since checkpoints are few. */
export class BestKeeper {
  readonly #directory: string;
  readonly #chatTemplate: string | undefined;
  #lowest: number | undefined;

  /** @param lines of the run so far */
  constructor(directory: string, lines: readonly LogLine[], chatTemplate: string | undefined) {
    this.#directory = directory;
    this.#chatTemplate = chatTemplate;
    this.#lowest = lines.reduce<number | undefined>(
      (low, { evaluation }) =>
        evaluation === undefined ? low : Math.min(low ?? Number.POSITIVE_INFINITY, evaluation.loss),
      undefined,
    );
  }

  /** After every step; a step that is evaluated has been saved. */
  see({ step, evaluation }: LogLine): void {
    if (evaluation === undefined || (this.#lowest !== undefined && evaluation.loss >= this.#lowest)) return;
    const checkpoint = path.join(this.#directory, 'checkpoints', `step-${step}`);
    if (!existsSync(checkpoint)) return;
    this.#lowest = evaluation.loss;
    takeOut(checkpoint, bestOf(this.#directory), this.#chatTemplate);
  }
}
