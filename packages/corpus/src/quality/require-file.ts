/** A file that a person named is there and readable, said before any work is begun. */
import { accessSync, constants } from 'node:fs';
import { CorpusError } from '../errors.ts';

/** @throws CorpusError CORPUS_SOURCE_MISSING */
export function requireFile(file: string): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const problem = {
      en: `cannot read ${file} (${code}); give the path of a file of JSON lines`,
      zh: `无法读取 ${file}（${code}）；请给出 JSON 行文件的路径`,
    };
    throw new CorpusError('CORPUS_SOURCE_MISSING', problem, { cause });
  }
}
