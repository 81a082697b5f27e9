/** The archives of a `warc` source: paths of its own, and lists that name one archive a line (Common Crawl's warc.paths.gz). */
import { CorpusError } from '../errors.ts';
import { byteLines } from '../json-lines.ts';
import type { WarcSource } from '../recipe-sources.ts';
import { type FoundFile, findFiles, isRemote, type Surroundings } from './paths.ts';

const WARC_FILE = /\.(warc|wet)(\.gz|\.zst)?$/i;

/** @throws CorpusError CORPUS_SOURCE_MISSING for a list that is missing or empty */
export async function warcFiles(source: WarcSource, around: Surroundings): Promise<FoundFile[]> {
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
      throw new CorpusError(
        'CORPUS_SOURCE_FORMAT',
        `the list ${path} names no archive; give one path or address a line`,
      );
    }
  }
  return await findFiles([...entries, ...listed.slice(0, source.limit)], around, WARC_FILE, '.warc');
}
