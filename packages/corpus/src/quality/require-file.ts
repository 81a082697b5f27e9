/** A file that a person named is there and readable, said before any work is begun. */
import { accessSync, constants } from 'node:fs';
import { CorpusError } from '../errors.ts';

/** @throws CorpusError CORPUS_SOURCE_MISSING */
export function requireFile(file: string): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    const problem = `cannot read ${file} (${(cause as NodeJS.ErrnoException).code}); give the path of a file of JSON lines`;
    throw new CorpusError('CORPUS_SOURCE_MISSING', problem, { cause });
  }
}
