/**
 * What a build reads: every source of the recipe resolved to files in a fixed order. A unit is one file, or some hundred
 * small ones; units are what workers share out, and their order decides which copy of a duplicate is kept.
 */
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { fileSha256 } from '@tunan/files';
import { systemProblem } from '@tunan/protocol/mistakes';
import { CorpusError } from '../errors.ts';
import { existing } from '../reading/files.ts';
import type { Recipe, Source } from '../recipe/recipe.ts';
import { type CollectedUnit, fingerprintCollected, readCollected } from './collected-texts.ts';
import { commonCrawlFiles } from './common-crawl.ts';
import { CSV_FILE, readCsvFile } from './csv-source.ts';
import { DOCUMENT_FILE, readDocumentFiles, readSpreadsheetFile, SPREADSHEET_FILE } from './document-source.ts';
import { HTML_FILE, readHtmlFiles } from './html-source.ts';
import { JSONL_FILE, readJsonlFile } from './jsonl-source.ts';
import { npmPackageFiles, readPackageFile } from './npm-package-source.ts';
import { readParquetFile } from './parquet-source.ts';
import { type FoundFile, findFiles, findFolders, type Surroundings, unreadFiles } from './paths.ts';
import { readRepositoryFiles, repositoryFiles } from './repository-source.ts';
import type { SourceItem } from './source-item.ts';
import { readTextFiles, TEXT_FILE } from './text-source.ts';
import { UrlBlockList } from './url-block-list.ts';
import { warcFiles } from './warc-lists.ts';
import { readWarcFile } from './warc-source.ts';

export type Unit = FoundFile & {
  /** Index of the source in the recipe, and of the collection in the source. */
  source: number;
  collection: number;
  /** Files inside `path`, where the unit is several. */
  members?: string[];
  /** The part of a large archive, in bytes. */
  part?: { start: number; end: number };
  /** Named by a list of archives: one of thousands that is no archive is counted, not an error. */
  listed?: boolean;
  /** In an archive of fetched ranges: where each record lay. */
  origins?: [here: number, there: number][];
  /** Of a file of collected texts: whose lines are read. */
  collected?: CollectedUnit['collected'];
};

export type Input = Unit & { bytes: number; sha256: string };

/** A file or folder that a stage reads, as the recipe names it. */
export interface StageInput {
  name: string;
  bytes: number;
  sha256: string;
}

/** Small files are read some hundred at a time: a unit each would cost more than reading it. */
const FILES_A_UNIT = 256;
/** One takes as long as hundreds of small texts, and a build that was killed reads the documents of a unit again. */
const DOCUMENTS_A_UNIT = 8;

/** Finds, fetches and fingerprints all files of the sources. @throws CorpusError CORPUS_SOURCE_MISSING with what to fix. */
export async function resolveInputs(recipe: Recipe, around: Surroundings): Promise<Input[]> {
  const inputs: Input[] = [];
  for (const [index, source] of recipe.sources.entries()) {
    let last: Input | undefined;
    const units: Omit<Unit, 'source'>[] = (await around.collected?.unitsOf(source)) ?? (await unitsOf(source, around));
    for (const unit of units) {
      // The parts of one file share its fingerprint.
      const same = unit.part !== undefined && last?.part !== undefined && last.path === unit.path ? last : undefined;
      const { bytes, sha256 } = same ?? (await fingerprintUnit(unit));
      last = { source: index, ...unit, bytes, sha256 };
      inputs.push(last);
    }
    requireContents(source, contentsOf(source, inputs.slice(inputs.length - units.length)));
  }
  return inputs;
}

/** SHA-256 of what is read of each collection of a repository; of other sources there is none. */
export function contentsOf(source: Source, inputs: Input[]): Record<string, { sha256: string; collected: boolean }> {
  if (source.type !== 'repository') return {};
  return Object.fromEntries(
    source.collections.map(({ name }, index) => {
      const units = inputs.filter(({ collection }) => collection === index);
      const [first] = units;
      if (units.length === 1) return [name, { sha256: first!.sha256, collected: first!.collected !== undefined }];
      const hash = createHash('sha256');
      for (const { sha256 } of units) hash.update(`${sha256}\n`);
      return [name, { sha256: hash.digest('hex'), collected: false }];
    }),
  );
}

/** @throws CorpusError CORPUS_CHECKSUM where the recipe says what is to be read, and another thing is there */
function requireContents(source: Source, contents: ReturnType<typeof contentsOf>): void {
  if (source.type !== 'repository') return;
  for (const collection of source.collections) {
    const { sha256, collected } = contents[collection.name]!;
    const wanted = collected ? collection.collected : collection.sha256;
    if (wanted === undefined || wanted === sha256) continue;
    const where = `${source.name} (${collection.name})`;
    throw new CorpusError('CORPUS_CHECKSUM', {
      en: `${where} is not what the recipe names: the source changed; SHA-256 ${sha256}, not ${wanted}; take what the recipe was made with, or put the new digest into it`,
      zh: `${where} 与配方所写不符：来源已变；SHA-256 为 ${sha256}，应为 ${wanted}；请取配方当时的内容，或把新值写入配方`,
    });
  }
}

/** Files below the folders of the recipe that none of its sources reads, by the ending of their names. */
export function unreadInputs(recipe: Recipe, inputs: Input[], base: string): Record<string, number> {
  const collected = new Set(inputs.filter((input) => input.collected !== undefined).map(({ source }) => source));
  const folders = recipe.sources.flatMap((source, index) =>
    'paths' in source && !collected.has(index) ? (source.paths ?? []) : [],
  );
  const files = inputs.flatMap(({ path, members = [''] }) => members.map((member) => join(path, member)));
  return unreadFiles(folders, base, new Set(files));
}

async function unitsOf(source: Source, around: Surroundings): Promise<Omit<Unit, 'source'>[]> {
  const whole = (files: FoundFile[]) => files.map((file) => ({ collection: 0, ...file }));
  switch (source.type) {
    case 'npm-package':
      return npmPackageFiles(source, around.base);
    case 'jsonl':
      return whole(await findFiles(source.paths, around, JSONL_FILE, '.jsonl'));
    case 'csv':
      return whole(await findFiles(source.paths, around, CSV_FILE, '.csv'));
    case 'parquet':
      return whole(await findFiles(source.paths, around, /\.parquet$/i, '.parquet'));
    case 'warc':
      return (await warcFiles(source, around)).flatMap(partsOf);
    case 'common-crawl':
      return (await commonCrawlFiles(source, around, blockListOf(source, around.base))).map((file) => ({
        collection: 0,
        ...file,
      }));
    case 'repository':
      return await repositoryFiles(source, around);
    case 'html':
      return await groups(FILES_A_UNIT, source.paths, around, HTML_FILE, '.html');
    case 'document':
      return await groups(DOCUMENTS_A_UNIT, source.paths, around, DOCUMENT_FILE, '.docx, .pdf, .epub, .pptx or .xlsx');
    case 'spreadsheet':
      return whole(await findFiles(source.paths, around, SPREADSHEET_FILE, '.xlsx'));
    case 'text':
      if (source.document === 'file') return await groups(FILES_A_UNIT, source.paths, around, TEXT_FILE, '.txt');
      return (await findFiles(source.paths, around, TEXT_FILE, '.txt')).map((file) => ({
        collection: 0,
        members: [''],
        ...file,
      }));
  }
}

/** Large archives are read in parts, by several workers, and what a killed build loses is little. */
const PART_BYTES = 64 * 2 ** 20;

/** The same parts whatever the number of workers. A file of one gzip member, or none, is read by the worker of its first part. */
function partsOf(file: FoundFile & { listed: boolean }): Omit<Unit, 'source'>[] {
  const { size } = existing(file.path);
  if (!/\.gz$/i.test(file.path) || size < 2 * PART_BYTES) return [{ collection: 0, ...file }];
  const count = Math.ceil(size / PART_BYTES);
  return Array.from({ length: count }, (_, i) => {
    const end = i === count - 1 ? size : (i + 1) * PART_BYTES;
    return { collection: 0, ...file, part: { start: i * PART_BYTES, end } };
  });
}

async function groups(most: number, ...found: Parameters<typeof findFolders>) {
  const folders = await findFolders(...found);
  return folders.flatMap(({ path, name, members }) => {
    const parts: { collection: number; path: string; name: string; members: string[] }[] = [];
    for (let at = 0; at < members.length; at += most) {
      parts.push({ collection: 0, path, name, members: members.slice(at, at + most) });
    }
    return parts;
  });
}

/** One digest of everything that was read: names, sizes and contents, not where the files lie. */
export function inputsSha256(inputs: Input[], stageInputs: StageInput[] = []): string {
  const hash = createHash('sha256');
  for (const i of inputs) hash.update(`${i.source} ${i.collection} ${i.name} ${i.bytes} ${i.sha256}\n`);
  for (const i of stageInputs) hash.update(`stage ${i.name} ${i.bytes} ${i.sha256}\n`);
  return hash.digest('hex');
}

/** What documents of a unit name as their source. */
export function sourceLabel(source: Source): string {
  return source.type === 'npm-package' ? `${source.package}@${source.version}` : source.name;
}

/** What documents of a unit name as their collection. */
export function collectionLabel(source: Source, collection: number): string {
  return 'collections' in source ? source.collections[collection]!.name : source.name;
}

/** What one unit gives, in file order. */
export function readUnit(source: Source, unit: Unit, base: string): AsyncGenerator<SourceItem> {
  const files = { path: unit.path, name: unit.name, members: unit.members ?? [''] };
  const { collected } = unit;
  if (collected !== undefined) {
    return readCollected(sourceLabel(source), collectionLabel(source, unit.collection), { path: unit.path, collected });
  }
  switch (source.type) {
    case 'npm-package':
      return readPackageFile(source, unit);
    case 'jsonl':
      return readJsonlFile(source, unit);
    case 'csv':
      return readCsvFile(source, unit);
    case 'parquet':
      return readParquetFile(source, unit);
    case 'warc':
      return readWarcFile(source.name, unit, blockListOf(source, base));
    case 'common-crawl':
      return readWarcFile(source.name, unit, undefined); // blocked addresses were not fetched
    case 'repository':
      return readRepositoryFiles(source, { ...files, collection: unit.collection });
    case 'document':
      return readDocumentFiles(source, files);
    case 'spreadsheet':
      return readSpreadsheetFile(source, unit);
    case 'html':
      return readHtmlFiles(source.name, files);
    case 'text':
      return readTextFiles(source, files);
  }
}

/** Read once a worker, however many units it works on. */
const blockLists = new Map<string, UrlBlockList>();

function blockListOf(source: { blockLists: string[] }, base: string): UrlBlockList | undefined {
  if (source.blockLists.length === 0) return undefined;
  const paths = source.blockLists.map((name) => resolve(base, name));
  const key = paths.join('\n');
  const known = blockLists.get(key) ?? UrlBlockList.read(paths);
  blockLists.set(key, known);
  return known;
}

async function fingerprintUnit(unit: Omit<Unit, 'source'>): Promise<{ bytes: number; sha256: string }> {
  const { path, members = [''], collected } = unit;
  if (collected !== undefined) return await fingerprintCollected({ path, collected });
  if (members.length === 1 && members[0] === '') return await fingerprint(path);
  const hash = createHash('sha256');
  let bytes = 0;
  for (const member of members) {
    const file = await fingerprint(join(path, member));
    bytes += file.bytes;
    hash.update(`${member} ${file.bytes} ${file.sha256}\n`);
  }
  return { bytes, sha256: hash.digest('hex') };
}

export async function fingerprint(path: string): Promise<{ bytes: number; sha256: string }> {
  const info = existing(path);
  if (!info.isFile()) {
    const said = { en: `source ${path} is not a file`, zh: `来源 ${path} 不是文件` };
    throw new CorpusError('CORPUS_SOURCE_MISSING', said);
  }
  try {
    return { bytes: info.size, sha256: await fileSha256(path) };
  } catch (cause) {
    const why = systemProblem(cause) ?? { en: (cause as Error).message, zh: (cause as Error).message };
    const said = { en: `cannot read source ${path}: ${why.en}`, zh: `无法读取来源 ${path}：${why.zh}` };
    throw new CorpusError('CORPUS_SOURCE_MISSING', said, { cause });
  }
}
