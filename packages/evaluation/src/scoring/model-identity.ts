/** A name for a model directory that changes with anything that its scores depend on: sizes, weights, tokenizer, arithmetic. */

import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { updateWithFile } from '@tunan/files';

/** @param arithmetic precision and device, such as `float32 cpu` */
export function modelIdentity(directory: string, arithmetic: string): string {
  const hash = createHash('sha256').update(arithmetic);
  const files = readdirSync(directory).filter((name) => /^(config|tokenizer)\.json$|\.safetensors$/.test(name));
  for (const name of files.sort()) {
    hash.update(`\n${name}\n`);
    updateWithFile(hash, path.join(directory, name));
  }
  return hash.digest('hex');
}
