/** The archives of a `warc` source: paths of its own, and lists that name one archive a line (Common Crawl's warc.paths.gz). */
import { CorpusError } from '../errors.ts';
import { byteLines } from '../reading/json-lines.ts';
import type { WarcSource } from '../recipe/recipe-sources.ts';
import { type FoundFile, findFiles, isRemote, type Surroundings } from './paths.ts';

export const WARC_FILE = /\.(warc|wet|arc)(\.gz|\.zst)?$/i;

/** @throws CorpusError CORPUS_SOURCE_MISSING for a list that is missing or empty */
export async function warcFiles(
  source: WarcSource,
  around: Surroundings,
): Promise<(FoundFile & { listed: boolean })[]> {
  const entries = [...(source.paths ?? [])];
  const lists = await findFiles(source.lists ?? [], around, /\.paths(\.gz)?$/i, '.paths');
  const listed: string[] = [];
  for (const { path } of lists) {
    const before = listed.length;
    for await (const bytes of byteLines(path)) {
      const line = bytes.toString().trim();
      if (line !== '') listed.push(isRemote(line) ? line : source.prefix + line);
    }
    if (listed.length === before) {
      throw new CorpusError('CORPUS_SOURCE_FORMAT', {
        en: `the list ${path} names no archive; give one path or address a line`,
        zh: `列表 ${path} 没有列出任何存档；请每行写一个路径或网址`,
      });
    }
  }
  const found = await findFiles([...entries, ...listed.slice(0, source.limit)], around, WARC_FILE, '.warc');
  const own = found.length - Math.min(listed.length, source.limit ?? listed.length);
  return found.map((file, index) => ({ ...file, listed: index >= own }));
}
