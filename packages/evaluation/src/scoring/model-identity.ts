/** A name for a model directory that changes with anything that its scores depend on: sizes, weights, tokenizer, arithmetic. */

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const READ_BYTES = 1 << 22;

/** @param arithmetic precision and device, such as `float32 cpu` */
export function modelIdentity(directory: string, arithmetic: string): string {
  const hash = createHash('sha256').update(arithmetic);
  const files = fs.readdirSync(directory).filter((name) => /^(config|tokenizer)\.json$|\.safetensors$/.test(name));
  for (const name of files.sort()) {
    hash.update(`\n${name}\n`);
    addFile(hash, path.join(directory, name));
  }
  return hash.digest('hex');
}

function addFile(hash: ReturnType<typeof createHash>, file: string): void {
  const handle = fs.openSync(file, 'r');
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (let read = fs.readSync(handle, buffer); read > 0; read = fs.readSync(handle, buffer)) {
      hash.update(buffer.subarray(0, read));
    }
  } finally {
    fs.closeSync(handle);
  }
}
