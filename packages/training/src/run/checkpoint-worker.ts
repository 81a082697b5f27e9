/** The thread of checkpoint-writer.ts: writes what it is told to, one after another, and says how it went. */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parentPort } from 'node:worker_threads';
import { syncPath } from '@tunan/files';
import { type FinishOptions, finishCheckpoint, type PartHashes, writePart } from './checkpoint-files.ts';

/** A file in memory, in pieces. */
export interface FileInMemory {
  readonly name: string;
  readonly pieces: readonly Uint8Array<ArrayBuffer>[];
}

export type WriteRequest =
  | { readonly kind: 'part'; readonly aside: string; readonly rank: number; readonly files: readonly FileInMemory[] }
  | ({ readonly kind: 'finish'; readonly log: string } & FinishOptions);

export type WriteAnswer =
  | { readonly kind: 'part'; readonly hashes: PartHashes }
  | { readonly kind: 'finish'; readonly checkpoint: string }
  | { readonly kind: 'failed'; readonly message: string; readonly code: string | undefined };

/** No system call writes more than 2 GiB. */
const MOST_BYTES = 2 ** 30;

function answerTo(request: WriteRequest): WriteAnswer {
  if (request.kind === 'finish') {
    syncPath(request.log); // the log is to reach as far as the checkpoint
    return { kind: 'finish', checkpoint: finishCheckpoint(request) };
  }
  const { aside, rank, files } = request;
  const hashes = writePart(aside, rank, (directory) => {
    for (const { name, pieces } of files) writePieces(path.join(directory, name), pieces);
  });
  return { kind: 'part', hashes };
}

function writePieces(file: string, pieces: FileInMemory['pieces']): void {
  const descriptor = openSync(file, 'wx');
  try {
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; at += MOST_BYTES)
        writeFileSync(descriptor, piece.subarray(at, at + MOST_BYTES));
      piece.buffer.transfer(0); // gives the memory back now, not when the collector comes by
    }
  } finally {
    closeSync(descriptor);
  }
}

if (parentPort === null) throw new Error('checkpoint-worker is started by CheckpointWriter only');
const port = parentPort;
port.on('message', (request: WriteRequest) => {
  let answer: WriteAnswer;
  try {
    answer = answerTo(request);
  } catch (error) {
    // On its way between threads an error loses the code of the system.
    const { message, code } = error as NodeJS.ErrnoException;
    answer = { kind: 'failed', message, code };
  }
  port.postMessage(answer);
});
