/**
 * Source type `common-crawl`: the index of a crawl chooses the records (status 200, HTML, one of the wanted languages),
 * and their byte ranges alone are fetched, into archives of some hundred records. Every record keeps as its id the
 * archive and offset that the index names, so that the same page has the same id however it came.
 */
import { createHash } from 'node:crypto';
import { existsSync, renameSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeFolder } from '../directory/output-directory.ts';
import { CorpusError, writeProblem } from '../errors.ts';
import { byteLines } from '../reading/json-lines.ts';
import type { CommonCrawlSource } from '../recipe/recipe-sources.ts';
import { download, fetchRange, HttpStatusError, withRetries } from './download.ts';
import { readParquetRows } from './parquet-source.ts';
import { type FoundFile, findFiles, type Surroundings } from './paths.ts';
import type { UrlBlockList } from './url-block-list.ts';

/** A record that the index names. */
interface Captured {
  url: string;
  status: string;
  mime: string;
  languages: string;
  archive: string;
  offset: number;
  length: number;
}

/** Byte ranges of one archive, ascending. */
interface Part {
  archive: string;
  ranges: [offset: number, length: number][];
}

export type FetchedArchive = FoundFile & {
  /** Where each record lay: its place in this file, and in the archive that the index names. */
  origins: [here: number, there: number][];
};

const RECORDS_A_PART = 1_000;
const BYTES_A_PART = 64 * 2 ** 20;
const PARTS_AT_ONCE = 4;
const HTML = /^(text\/html|application\/xhtml\+xml)$/;

/** @throws CorpusError when the index cannot be read, or names no record that is wanted */
export async function commonCrawlFiles(
  source: CommonCrawlSource,
  around: Surroundings,
  blocked: UrlBlockList | undefined,
): Promise<FetchedArchive[]> {
  const parts = await chooseRecords(source, around, blocked);
  const fetched: FetchedArchive[] = [];
  let next = 0;
  let done = 0;
  let bytes = 0;
  const worker = async () => {
    for (let index = next++; index < parts.length; index = next++) {
      fetched[index] = await fetchPart(parts[index]!, source.prefix, around, (piece) => {
        bytes += piece;
        around.onFetched?.(done, parts.length, bytes);
      });
      around.onFetched?.(++done, parts.length, bytes);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARTS_AT_ONCE, parts.length) }, worker));
  return fetched;
}

async function chooseRecords(
  source: CommonCrawlSource,
  around: Surroundings,
  blocked: UrlBlockList | undefined,
): Promise<Part[]> {
  const wanted = new Set(source.languages);
  const archives = new Map<string, Map<number, number>>();
  let chosen = 0;
  for await (const record of indexed(source, around)) {
    if (record.status !== '200' || !HTML.test(record.mime)) continue;
    if (!record.languages.split(',').some((language) => wanted.has(language))) continue;
    if (blocked?.has(record.url) === true) continue;
    const ranges = archives.get(record.archive) ?? new Map<number, number>();
    archives.set(record.archive, ranges.set(record.offset, record.length));
    if (++chosen === source.limit) break;
  }
  if (chosen === 0) {
    const languages = source.languages.join(', ');
    throw new CorpusError('CORPUS_EMPTY', {
      en: `the index of source ${source.name} names no page in ${languages}; widen it`,
      zh: `来源 ${source.name} 的索引中没有 ${languages} 的网页；请扩大范围`,
    });
  }
  const names = [...archives.keys()].sort();
  return names.flatMap((archive) =>
    cut(
      archive,
      [...archives.get(archive)!].sort(([a], [b]) => a - b),
    ),
  );
}

function cut(archive: string, ranges: Part['ranges']): Part[] {
  const parts: Part[] = [];
  let bytes = 0;
  for (const range of ranges) {
    const last = parts.at(-1);
    if (last === undefined || last.ranges.length === RECORDS_A_PART || bytes >= BYTES_A_PART) {
      parts.push({ archive, ranges: [range] });
      bytes = range[1];
    } else {
      last.ranges.push(range);
      bytes += range[1];
    }
  }
  return parts;
}

async function* indexed(source: CommonCrawlSource, around: Surroundings): AsyncGenerator<Captured> {
  for (const entry of source.index) {
    const paths = typeof entry === 'string' ? await indexFiles(entry, around) : await askServer(entry, source, around);
    for (const path of paths) yield* isParquet(path) ? columnarRecords(path) : cdxRecords(path);
  }
}

async function indexFiles(entry: string, around: Surroundings): Promise<string[]> {
  const files = await findFiles([entry], around, /\.(parquet|gz|cdxj?|jsonl?)$/i, 'index');
  return files.map(({ path }) => path);
}

/** The pages of a CDX server's answer, kept as they came. */
async function askServer(
  { server, match }: { server: string; match: string },
  source: CommonCrawlSource,
  around: Surroundings,
): Promise<string[]> {
  const query = new URLSearchParams({ url: match, output: 'json' });
  query.append('filter', '=status:200');
  query.append('filter', `~languages:.*(${source.languages.join('|')}).*`);
  const count = `${server}?${query}&showNumPages=true`;
  const pages = await withRetries(count, async () => {
    const response = await fetch(count);
    if (!response.ok) throw new HttpStatusError(response);
    return Number(((await response.json()) as { pages?: number }).pages);
  });
  if (!Number.isSafeInteger(pages)) {
    throw new CorpusError('CORPUS_SOURCE_FORMAT', {
      en: `${server} is no CDX server: it does not say how many pages it has`,
      zh: `${server} 不是 CDX 服务器：它没有说明页数`,
    });
  }
  const paths: string[] = [];
  for (let page = 0; page < pages; page++) {
    const url = `${server}?${query}&page=${page}`;
    try {
      paths.push(await download({ url }, around.downloads));
    } catch (error) {
      // «No captures found» on this page.
      if (((error as CorpusError).cause as HttpStatusError | undefined)?.status !== 404) throw error;
    }
    around.onFetched?.(page + 1, pages, 0);
  }
  return paths;
}

function isParquet(path: string): boolean {
  return /\.parquet$/i.test(path);
}

/** Lines of JSON, alone or after the key and time of a CDX file. */
async function* cdxRecords(path: string): AsyncGenerator<Captured> {
  let line = 0;
  for await (const bytes of byteLines(path)) {
    line++;
    const text = bytes.toString();
    if (text.trim() === '') continue;
    let fields: Record<string, unknown>;
    try {
      fields = JSON.parse(text.slice(Math.max(0, text.indexOf('{')))) as Record<string, unknown>;
    } catch (cause) {
      const { message } = cause as Error;
      const problem = {
        en: `${path}:${line}: no line of a CDX index (${message}); get it again`,
        zh: `${path}:${line}：不是 CDX 索引的行（${message}）；请重新获取`,
      };
      throw new CorpusError('CORPUS_MALFORMED_LINE', problem, { cause });
    }
    yield capturedOf(`${path}:${line}`, fields, {
      status: 'status',
      mime: fields['mime-detected'] === undefined ? 'mime' : 'mime-detected',
      languages: 'languages',
      archive: 'filename',
      offset: 'offset',
      length: 'length',
    });
  }
}

const COLUMNS = {
  status: 'fetch_status',
  mime: 'content_mime_detected',
  languages: 'content_languages',
  archive: 'warc_filename',
  offset: 'warc_record_offset',
  length: 'warc_record_length',
};

async function* columnarRecords(path: string): AsyncGenerator<Captured> {
  for await (const row of readParquetRows(path, ['url', ...Object.values(COLUMNS)]))
    yield capturedOf(path, row, COLUMNS);
}

function capturedOf(
  where: string,
  fields: Record<string, unknown>,
  names: Record<Exclude<keyof Captured, 'url'>, string>,
): Captured {
  const text = (name: string) => String(fields[name] ?? '');
  const captured = {
    url: text('url'),
    status: text(names.status),
    mime: text(names.mime),
    languages: text(names.languages),
    archive: text(names.archive),
    offset: Number(fields[names.offset] ?? Number.NaN),
    length: Number(fields[names.length] ?? Number.NaN),
  };
  const sound = Number.isSafeInteger(captured.offset) && Number.isSafeInteger(captured.length) && captured.length > 0;
  if (sound && captured.archive !== '') return captured;
  const problem = {
    en: `${where}: the index names no archive, offset and length of a record; get it again`,
    zh: `${where}：索引没有写明记录所在的存档、位置与长度；请重新获取`,
  };
  throw new CorpusError('CORPUS_SOURCE_FORMAT', problem);
}

/** Fetches the ranges of a part one after another into one archive; one that broke off goes on at its last record. */
async function fetchPart(
  { archive, ranges }: Part,
  prefix: string,
  around: Surroundings,
  onBytes: (bytes: number) => void,
): Promise<FetchedArchive> {
  const digest = createHash('sha256')
    .update(JSON.stringify([prefix, archive, ranges]))
    .digest('hex');
  const path = join(around.downloads, `${digest.slice(0, 12)}-records.warc.gz`);
  const origins: FetchedArchive['origins'] = [];
  let size = 0;
  for (const [offset, length] of ranges) {
    origins.push([size, offset]);
    size += length;
  }
  const found = { path, name: `${basename(archive)}+${ranges[0]![0]}`, origins };
  if (existsSync(path)) return found;
  const partial = `${path}.part`;
  const have = statSync(partial, { throwIfNoEntry: false })?.size ?? 0;
  const complete = origins.findLastIndex(([here]) => here <= have); // the first record that is not known to be whole
  makeFolder(around.downloads);
  try {
    const file = await open(partial, existsSync(partial) ? 'r+' : 'w');
    try {
      await file.truncate(origins[complete]![0]);
      let position = origins[complete]![0];
      for (const [start, end] of joined(ranges.slice(complete))) {
        const bytes = await fetchRange(prefix + archive, start, end);
        await file.write(bytes, 0, bytes.length, position);
        position += bytes.length;
        onBytes(bytes.length);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    renameSync(partial, path);
  } catch (error) {
    throw writeProblem(partial, error);
  }
  return found;
}

/** Ranges that touch are one request. */
function joined(ranges: Part['ranges']): [start: number, end: number][] {
  const requests: [number, number][] = [];
  for (const [offset, length] of ranges) {
    const last = requests.at(-1);
    if (last !== undefined && last[1] === offset && last[1] - last[0] < BYTES_A_PART) last[1] += length;
    else requests.push([offset, offset + length]);
  }
  return requests;
}
