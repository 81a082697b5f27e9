/**
 * Writes the checkpoints of a run, on all of its processes: at once, or while training goes on. Then the state is copied to memory, which is
 * all that training waits for, and a thread writes, syncs and hashes the files; when the parts of all processes are on the disk, that of the
 * first process gives the checkpoint its name. One is written at a time. Every method but dispose is called by all processes together.
 */
import path, { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { removeIfPossible } from '@tunan/files';
import { type DirectoryFile, writeDirectoryFile } from '@tunan/model';
import { safetensorsInMemory } from '@tunan/torch';
import { explainWriteFailure } from '../errors.ts';
import type { Mesh } from '../parallel/mesh.ts';
import { type CheckpointPosition, lastGood } from './checkpoint.ts';
import { finishCheckpoint, listCheckpoints, makeAside, type PartHashes, writePart } from './checkpoint-files.ts';
import type { FileInMemory, WriteAnswer, WriteRequest } from './checkpoint-worker.ts';

/** Hands the files of this process to `put`, in their order; tensors are whole for the time of the call. */
export type GiveFiles = (put: (file: DirectoryFile) => void) => void;

export interface CheckpointPlace {
  /** Of the checkpoints. */
  readonly directory: string;
  /** The last so many stay. */
  readonly keep: number;
  /** Lines of the run, synced before a checkpoint counts on them. */
  readonly log: string;
}

/** A checkpoint that a thread writes. */
interface Underway {
  readonly aside: string;
  readonly state: CheckpointPosition;
  /** Of this process; the second step is the first process's alone. */
  answer: Promise<WriteAnswer>;
  /** What it was, once it is there. */
  answered: WriteAnswer | undefined;
  isNamed: boolean;
}

export class CheckpointWriter implements AsyncDisposable {
  readonly #mesh: Mesh;
  readonly #place: CheckpointPlace;
  #worker: Worker | undefined;
  #underway: Underway | undefined;

  constructor(mesh: Mesh, place: CheckpointPlace) {
    this.#mesh = mesh;
    this.#place = place;
  }

  /** Whether a checkpoint is being written. */
  get isBusy(): boolean {
    return this.#underway !== undefined;
  }

  /**
   * Writes checkpoint `step-N` and waits for it.
   * @returns the path of the checkpoint
   * @throws TrainingError TRAINING_WRITE_FAILED naming the process and the last good checkpoint, on every process; nothing finished is touched
   */
  write(state: CheckpointPosition, give: GiveFiles): string {
    if (this.isBusy) throw new Error('another checkpoint is being written: settle() first');
    const aside = this.#begin(state);
    const mesh = this.#mesh;
    return this.#clearing(aside, () => {
      const own = this.#together(aside, () =>
        writePart(aside, mesh.world.rank, (directory) => give((file) => writeDirectoryFile(directory, file))),
      );
      const content = contentOf(state, mesh.gather(own));
      const { keep } = this.#place;
      this.#together(aside, () => mesh.isFirst && finishCheckpoint({ aside, content, keep }));
      return finalOf(aside);
    });
  }

  /**
   * Copies what checkpoint `step-N` is made of, and has it written.
   * @throws TrainingError TRAINING_WRITE_FAILED
   */
  start(state: CheckpointPosition, give: GiveFiles): void {
    if (this.isBusy) throw new Error('another checkpoint is being written: settle() first');
    const aside = this.#begin(state);
    const files: FileInMemory[] = [];
    this.#clearing(aside, () => this.#together(aside, () => give((file) => files.push(inMemory(file)))));
    const request = { kind: 'part', aside, rank: this.#mesh.world.rank, files } as const;
    const memory = files.flatMap(({ pieces }) => pieces.map(({ buffer }) => buffer));
    this.#underway = { aside, state, isNamed: false, ...this.#ask(request, memory) };
  }

  /**
   * Looks how far the checkpoint is that is being written, and takes its next step when all processes have done the one before.
   * @returns its path, when it is there
   * @throws TrainingError TRAINING_WRITE_FAILED, as `write`
   */
  look(): string | undefined {
    const underway = this.#underway;
    if (underway === undefined) return undefined;
    const { aside } = underway;
    const answers = this.#mesh.gather(underway.answered);
    if (answers.includes(undefined)) return undefined;
    this.#clearing(aside, () => this.#together(aside, () => requireDone(underway.answered!)));
    if (underway.isNamed) {
      this.#underway = undefined;
      return finalOf(aside);
    }
    const hashes = answers.map((answer) => (answer?.kind === 'part' ? answer.hashes : []));
    const content = contentOf(underway.state, hashes);
    const { keep, log } = this.#place;
    underway.isNamed = true;
    // Of the others the answer is the one before.
    if (this.#mesh.isFirst) Object.assign(underway, this.#ask({ kind: 'finish', aside, content, keep, log }));
    return undefined;
  }

  /** Waits for the checkpoint that is being written. @returns its path; undefined where there is none */
  async settle(): Promise<string | undefined> {
    while (this.#underway !== undefined) {
      await this.#underway.answer;
      const checkpoint = this.look();
      if (checkpoint !== undefined) return checkpoint;
    }
    return undefined;
  }

  /** What is being written is given up. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.terminate();
  }

  #begin({ step }: CheckpointPosition): string {
    const aside = path.join(this.#place.directory, `step-${step}.partial`);
    this.#together(aside, () => this.#mesh.isFirst && makeAside(aside));
    return aside;
  }

  /** Room is given back at once; when even that fails, the reason is the same and the first one is told. */
  #clearing<T>(aside: string, body: () => T): T {
    try {
      return body();
    } catch (error) {
      this.#underway = undefined;
      if (this.#mesh.isFirst) removeIfPossible(aside);
      throw error;
    }
  }

  #together<T>(aside: string, body: () => T): T {
    const { directory } = this.#place;
    return this.#mesh.together(() => {
      try {
        return body();
      } catch (error) {
        const [good] = listCheckpoints(directory);
        throw explainWriteFailure(error, finalOf(aside), lastGood(good && path.join(directory, good)));
      }
    });
  }

  #ask(request: WriteRequest, memory: readonly ArrayBuffer[] = []): Pick<Underway, 'answer' | 'answered'> {
    this.#worker ??= new Worker(new URL(`./checkpoint-worker${extname(import.meta.url)}`, import.meta.url));
    const worker = this.#worker;
    const answer = new Promise<WriteAnswer>((resolve) => {
      const failed = (error: Error) => resolve({ kind: 'failed', message: error.message, code: undefined });
      const gone = (code: number) => failed(new Error(`the thread that writes checkpoints ended (exit code ${code})`));
      worker.once('error', failed).once('exit', gone);
      worker.once('message', (message: WriteAnswer) => {
        worker.off('error', failed).off('exit', gone);
        resolve(message);
      });
    });
    worker.postMessage(request, [...memory]);
    void answer.then((given) => {
      if (this.#underway?.answer === answer) this.#underway.answered = given;
    });
    return { answer, answered: undefined };
  }
}

function requireDone(answer: WriteAnswer): void {
  if (answer.kind === 'failed') throw Object.assign(new Error(answer.message), { code: answer.code });
}

/** The bytes of a file; of tensors copies. */
function inMemory(file: DirectoryFile): FileInMemory {
  const { name } = file;
  if ('tensors' in file) return { name, pieces: safetensorsInMemory(file.tensors, file.metadata) };
  return { name, pieces: [new TextEncoder().encode(file.content)] };
}

function contentOf(state: CheckpointPosition, hashes: readonly PartHashes[]) {
  const sorted = hashes.flat().sort(([a], [b]) => (a < b ? -1 : 1));
  return { version: 1, ...state, sha256: Object.fromEntries(sorted) };
}

function finalOf(aside: string): string {
  return aside.replace(/\.partial$/, '');
}
