/**
 * A corpus recipe made from somebody's files and folders: what can be read becomes a source each, with its fields guessed; what
 * cannot is counted by kind. The recipe is plain JSON for a person to read and change; it is made alike for alike files.
 */
import { basename, join, parse, resolve } from 'node:path';
import type { Said } from '@tunan/protocol/mistakes';
import { isDocument } from '../documents/document-format.ts';
import { CorpusError } from '../errors.ts';
import { existing, filesBelow } from '../reading/files.ts';
import { CSV_FILE, csvRecords } from '../sources/csv-source.ts';
import { DOCUMENT_FILE, firstRows, SPREADSHEET_FILE } from '../sources/document-source.ts';
import { HTML_FILE } from '../sources/html-source.ts';
import { JSONL_FILE, jsonRecords } from '../sources/jsonl-source.ts';
import { parquetColumns, readParquetRows } from '../sources/parquet-source.ts';
import { endingOf, requireReadable } from '../sources/paths.ts';
import { TEXT_FILE } from '../sources/text-source.ts';
import { WARC_FILE } from '../sources/warc-lists.ts';
import { type GuessedFields, guessFields } from './guess-fields.ts';

type Kind = 'document' | 'spreadsheet' | 'text' | 'html' | 'jsonl' | 'csv' | 'parquet' | 'warc';

const JSON_FILE = /\.json(\.gz|\.zst)?$/i;
const PARQUET_FILE = /\.parquet$/i;

/** The files of one source, and the fields that were guessed for them from so many records. */
export interface FoundSource {
  type: Kind;
  files: number;
  example: string;
  fields?: GuessedFields;
  records?: number;
}

export interface OwnRecipe {
  /** As it is written to a file. */
  recipe: Record<string, unknown>;
  found: FoundSource[];
  /** Files of kinds that are not read, by the ending of their names. */
  unread: Record<string, number>;
  /** Files that are of a kind that is read, and cannot be. */
  problems: Said[];
}

/** @throws CorpusError that names every path that cannot be read, or says that there is nothing to read */
export async function recipeFrom(paths: readonly string[], name: string, base = process.cwd()): Promise<OwnRecipe> {
  requirePaths(paths, base);
  const unread: Record<string, number> = {};
  const problems: Said[] = [];
  const found: FoundSource[] = [];
  const sources: Record<string, unknown>[] = [];
  for (const path of paths) {
    const folder = existing(resolve(base, path)).isDirectory();
    const files = folder ? filesBelow(resolve(base, path)) : [''];
    for (const [kind, members] of await byKind(path, files, unread, base)) {
      for (const part of await partsOf(kind, resolve(base, path), members, problems)) {
        const { fields, records, kind: type = kind } = part;
        const places = sourcePaths(type, path, files, part.members);
        sources.push({ type, name: '', paths: places, ...(fields === undefined ? {} : { fields }) });
        const example = join(path, part.members[0]!);
        found.push({
          type,
          files: part.members.length,
          example,
          ...(fields === undefined ? {} : { fields, records: records! }),
        });
      }
    }
  }
  if (sources.length === 0) throw nothingToRead(paths, unread, problems);
  nameSources(sources, paths);
  const title = paths.map((path) => basename(resolve(base, path))).join(' + ');
  return { recipe: { name, title, sources, stages: stagesFor(found) }, found, unread, problems };
}

/** All paths that are wrong are told at once. */
function requirePaths(paths: readonly string[], base: string): void {
  const wrong: Said[] = [];
  for (const path of paths) {
    try {
      const place = resolve(base, path);
      if (!existing(place).isDirectory() && !DOCUMENT_FILE.test(place)) requireReadable(place);
    } catch (error) {
      if (!(error instanceof CorpusError)) throw error;
      wrong.push({ en: error.message, zh: error.chinese ?? error.message });
    }
  }
  if (wrong.length === 0) return;
  const all = { en: wrong.map(({ en }) => en).join('\n  '), zh: wrong.map(({ zh }) => zh).join('\n  ') };
  throw new CorpusError('CORPUS_SOURCE_MISSING', all);
}

async function byKind(path: string, files: readonly string[], unread: Record<string, number>, base: string) {
  const kinds = new Map<Kind, string[]>();
  for (const file of files) {
    // A file that somebody names is meant to be read: text unless its ending or content says otherwise.
    const named = kindOf(file === '' ? path : file);
    const place = resolve(base, path, file);
    const kind = (await isMisnamed(place, named)) ? 'document' : (named ?? (file === '' ? 'text' : undefined));
    if (kind === undefined) {
      const ending = endingOf(file);
      unread[ending] = (unread[ending] ?? 0) + 1;
    } else kinds.set(kind, [...(kinds.get(kind) ?? []), file]);
  }
  return kinds;
}

/** Whether a file is a document, which its name does not say. */
async function isMisnamed(place: string, named: Kind | undefined): Promise<boolean> {
  const { base, ext } = parse(place);
  if (base.startsWith('.') || /^\.(gz|zst|json|jsonl|ndjson|parquet|zip|jar)$/i.test(ext)) return false;
  return (named === undefined || ['text', 'html', 'csv'].includes(named)) && (await isDocument(place));
}

function kindOf(file: string): Kind | undefined {
  if (basename(file).startsWith('.')) return undefined;
  const kinds: [Kind, RegExp][] = [
    ['document', DOCUMENT_FILE],
    ['text', TEXT_FILE],
    ['html', HTML_FILE],
    ['jsonl', JSONL_FILE],
    ['jsonl', JSON_FILE],
    ['csv', CSV_FILE],
    ['parquet', PARQUET_FILE],
    ['warc', WARC_FILE],
  ];
  return kinds.find(([, pattern]) => pattern.test(file))?.[0];
}

interface Part {
  /** Where it is another than that of the files together. */
  kind?: 'spreadsheet';
  members: string[];
  fields?: GuessedFields;
  records?: number;
}

/** Files whose records have the same fields are one source. */
async function partsOf(kind: Kind, path: string, members: string[], problems: Said[]): Promise<Part[]> {
  if (kind === 'document') return await documentParts(path, members);
  if (kind !== 'jsonl' && kind !== 'csv' && kind !== 'parquet') return [{ members }];
  // Of very many files some are looked at, and the others taken to be like them.
  const few = members.length <= FILES_LOOKED_AT;
  const parts = new Map<string, Part>();
  for (const group of few ? members.map((member) => [member]) : [members]) {
    const records: object[] = [];
    for (const member of group.slice(0, FILES_LOOKED_AT))
      records.push(...(await firstRecords(kind, join(path, member))));
    const fields = records.length === 0 ? undefined : guessFields(records);
    if (fields === undefined) {
      problems.push(noText(join(path, group[0]!), records));
      continue;
    }
    const key = JSON.stringify(fields);
    const part = parts.get(key) ?? { members: [], fields, records: 0 };
    part.members.push(...group);
    part.records! += records.length;
    parts.set(key, part);
  }
  return [...parts.values()];
}

/** Workbooks whose rows are texts, such as questions and answers, are read row by row; the others with all their sheets as one document. */
async function documentParts(path: string, members: string[]): Promise<Part[]> {
  const parts = new Map<string, Part>();
  for (const member of members) {
    const file = join(path, member);
    const records = SPREADSHEET_FILE.test(file) ? await firstRows(file, RECORDS_LOOKED_AT, SECONDS_LOOKED) : [];
    const fields = records.length < LEAST_ROWS ? undefined : guessFields(records);
    const ofRows = fields !== undefined && lengthOf(records, fields) >= LEAST_ROW_CHARACTERS;
    const key = ofRows ? JSON.stringify(fields) : '';
    const part = parts.get(key) ?? { members: [], ...(ofRows ? { kind: 'spreadsheet', fields, records: 0 } : {}) };
    part.members.push(member);
    if (ofRows) part.records! += records.length;
    parts.set(key, part);
  }
  return [...parts.values()];
}

/** Fewer rows, or shorter texts in them, are a table. */
const LEAST_ROWS = 3;
const LEAST_ROW_CHARACTERS = 20;
const SECONDS_LOOKED = 60;

/** Mean length of the texts of a record. */
function lengthOf(records: readonly Record<string, string>[], { text }: GuessedFields): number {
  const names = [text].flat();
  const sum = records.reduce((all, record) => all + names.reduce((n, name) => n + (record[name] ?? '').length, 0), 0);
  return sum / records.length;
}

const FILES_LOOKED_AT = 100;
const RECORDS_LOOKED_AT = 200;

async function firstRecords(kind: 'jsonl' | 'csv' | 'parquet', file: string): Promise<object[]> {
  const records: object[] = [];
  for await (const record of recordsOf(kind, file)) {
    if (record === null || typeof record !== 'object' || Array.isArray(record)) continue;
    records.push(record);
    if (records.length === RECORDS_LOOKED_AT) break;
  }
  return records;
}

async function* recordsOf(kind: 'jsonl' | 'csv' | 'parquet', file: string): AsyncGenerator<unknown> {
  if (kind === 'parquet') yield* readParquetRows(file, await parquetColumns(file));
  else if (kind === 'csv') {
    for await (const row of csvRecords(file)) if ('record' in row) yield row.record;
  } else {
    for await (const line of jsonRecords(file)) if ('value' in line) yield line.value;
  }
}

function noText(file: string, records: object[]): Said {
  if (records.length === 0) return { en: `${file}: holds no record`, zh: `${file}：没有记录` };
  const names = Object.keys(records[0]!).join(', ');
  return {
    en: `${file}: no field holds text (its fields: ${names})`,
    zh: `${file}：没有含文本的字段（字段：${names}）`,
  };
}

/** The folder, where a source of this kind reads just these files of it; else the files. */
function sourcePaths(kind: Kind, path: string, files: readonly string[], members: readonly string[]): string[] {
  if (members.length === 1 && members[0] === '') return [path];
  const pattern = {
    document: DOCUMENT_FILE,
    spreadsheet: SPREADSHEET_FILE,
    text: TEXT_FILE,
    html: HTML_FILE,
    jsonl: JSONL_FILE,
    csv: CSV_FILE,
    parquet: PARQUET_FILE,
    warc: WARC_FILE,
  }[kind];
  const read = files.filter((file) => pattern.test(file));
  if (read.length === members.length && read.every((file, at) => file === members[at])) return [path];
  return members.map((member) => join(path, member));
}

/** Each source is named by the path that it is from, and by its kind where several are from one. */
function nameSources(sources: Record<string, unknown>[], paths: readonly string[]): void {
  const stem = (place: string) =>
    basename(place.replace(/\/+$/, '')).replace(/\.[a-z0-9]+(\.gz|\.zst)?$/i, '') || 'texts';
  const taken = new Map<string, number>();
  for (const source of sources) {
    const [first = ''] = source.paths as string[];
    const root = paths.find((path) => first === path || first.startsWith(join(path, '/'))) ?? first;
    const several = sources.filter((other) => (other.paths as string[])[0]!.startsWith(root)).length > 1;
    const plain = several ? `${stem(root)}-${String(source.type)}` : stem(root);
    const count = (taken.get(plain) ?? 0) + 1;
    taken.set(plain, count);
    source.name = count === 1 ? plain : `${plain}-${count}`;
  }
}

/** Stages that suit texts which somebody chose; pages bring what pages have, so they are judged more strictly. */
function stagesFor(found: readonly FoundSource[]): Record<string, unknown>[] {
  const pages = found.some(({ type }) => type === 'html' || type === 'warc');
  return [
    ...(pages ? [{ use: 'decode' }, { use: 'extract' }] : []),
    { use: 'repair' },
    { use: 'language' },
    { use: 'simplify' },
    { use: 'normalise' },
    { use: 'coarse-rules', minCharacters: 20, minMeanLine: 4, ...(pages ? {} : { boilerplate: 'keep' }) },
    ...(pages ? [{ use: 'sensitive' }] : []),
    { use: 'personal-data' },
    { use: 'exact-duplicates' },
    { use: 'near-duplicates', keep: 'best' },
    ...(pages ? [{ use: 'repeated-lines' }] : []),
  ];
}

function nothingToRead(
  paths: readonly string[],
  unread: Record<string, number>,
  problems: readonly Said[],
): CorpusError {
  const kinds = Object.entries(unread)
    .map(([ending, count]) => `${ending} ${count}`)
    .join(', ');
  const known = '.docx .pdf .epub .pptx .xlsx .txt .md .html .jsonl .json .csv .tsv .parquet .warc';
  const where = paths.join(', ');
  const en = [
    `nothing to read in ${where}: files of ${known} are read`,
    ...(kinds === '' ? [] : [`not read: ${kinds}`]),
    ...problems.map((one) => one.en),
  ];
  const zh = [
    `${where} 中没有可读的文件：可读 ${known}`,
    ...(kinds === '' ? [] : [`未读：${kinds}`]),
    ...problems.map((one) => one.zh),
  ];
  return new CorpusError('CORPUS_SOURCE_MISSING', { en: en.join('; '), zh: zh.join('；') });
}
