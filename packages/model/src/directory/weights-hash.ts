/** Which weights a model directory holds, by the bytes of their files. */

import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileSha256Sync } from '@tunan/files';

/** SHA-256 over the hashes of the weight files, in the order of their names. */
export function weightsSha256(directory: string): string {
  const hash = createHash('sha256');
  const files = readdirSync(directory).filter((name) => name.startsWith('model') && name.endsWith('.safetensors'));
  for (const name of files.sort()) hash.update(fileSha256Sync(path.join(directory, name)));
  return hash.digest('hex');
}
