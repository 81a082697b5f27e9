/** SHA-256 of a file of any size, in bounded memory. */

import { createHash } from 'node:crypto';
import fs from 'node:fs';

const READ_BYTES = 1 << 20;

export function fileSha256(file: string): string {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(READ_BYTES);
  const descriptor = fs.openSync(file, 'r');
  try {
    for (let read = fs.readSync(descriptor, buffer); read > 0; read = fs.readSync(descriptor, buffer)) {
      hash.update(buffer.subarray(0, read));
    }
  } finally {
    fs.closeSync(descriptor);
  }
  return hash.digest('hex');
}
