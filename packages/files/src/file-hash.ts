/** SHA-256 of files of any size, in bounded memory. */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';

const READ_BYTES = 1 << 20;

/** In hexadecimal digits; other work goes on meanwhile. */
export async function fileSha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: READ_BYTES }), hash);
  return hash.digest('hex');
}

/** In hexadecimal digits. */
export function fileSha256Sync(file: string): string {
  const hash = createHash('sha256');
  updateWithFile(hash, file);
  return hash.digest('hex');
}

/** Takes the bytes of a file into a hash of more than this file. */
export function updateWithFile(hash: Hash, file: string): void {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  const descriptor = openSync(file, 'r');
  try {
    for (let read = readSync(descriptor, buffer); read > 0; read = readSync(descriptor, buffer)) {
      hash.update(buffer.subarray(0, read));
    }
  } finally {
    closeSync(descriptor);
  }
}
