/** What is on the disk: files below a folder, and whether one is there. */
import { readdirSync, type Stats, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { systemProblem } from '@tunan/protocol/mistakes';
import { CorpusError } from '../errors.ts';

/** Paths of all files below a folder, relative to it, in one order on every machine. */
export function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.map((path) => relative(folder, path).replaceAll('\\', '/')).sort();
}

/** @throws CorpusError CORPUS_SOURCE_MISSING */
export function existing(path: string): Stats {
  try {
    return statSync(path);
  } catch (cause) {
    const why = systemProblem(cause) ?? { en: (cause as Error).message, zh: (cause as Error).message };
    const said = { en: `cannot read source ${path}: ${why.en}`, zh: `无法读取来源 ${path}：${why.zh}` };
    throw new CorpusError('CORPUS_SOURCE_MISSING', said, { cause });
  }
}
