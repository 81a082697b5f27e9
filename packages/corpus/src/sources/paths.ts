/** The paths of a recipe as files: folders are walked, addresses are fetched, names are made that hold on any machine. */
import { basename, join, resolve } from 'node:path';
import { CorpusError } from '../errors.ts';
import { existing, filesBelow } from '../reading/files.ts';
import type { PathEntry } from '../recipe/recipe-sources.ts';
import type { CollectedTexts } from './collected-texts.ts';
import { download, downloadedPath } from './download.ts';

/** A file to read. */
export interface FoundFile {
  /** On this machine; never written into the corpus. */
  path: string;
  /** The stable part of document ids. */
  name: string;
}

/** A folder and the wanted files below it, or one file (`members` is then one empty name). */
export type FoundFolder = FoundFile & { members: string[] };

export interface Surroundings {
  /** What relative paths start from. */
  base: string;
  /** Where fetched files are kept. */
  downloads: string;
  /** Local copies that stand in for repositories, by the name of the source. */
  local?: Record<string, string> | undefined;
  /** Texts that were collected from many sources; they stand in for those that they hold. */
  collected?: CollectedTexts | undefined;
  /** Called for each file that was fetched, or was there. */
  onFetched?: (done: number, total: number, bytes: number) => void;
}

/** @param wanted which files of a folder are read; `kind` names them in an error. */
export async function findFolders(
  entries: PathEntry[],
  around: Surroundings,
  wanted: RegExp,
  kind: string,
): Promise<FoundFolder[]> {
  const fetched = await fetchAll(entries.filter(isRemote).map(remoteOf), around);
  const found = entries.map((entry): FoundFolder => {
    if (isRemote(entry)) {
      const { url } = remoteOf(entry);
      return { path: fetched.get(url)!, name: basename(new URL(url).pathname), members: [''] };
    }
    const path = resolve(around.base, entry as string);
    const name = stableName(entry as string);
    if (!existing(path).isDirectory()) {
      if (!wanted.test(path)) requireReadable(path);
      return { path, name, members: [''] };
    }
    const members = filesBelow(path).filter((file) => wanted.test(file));
    if (members.length > 0) return { path, name, members };
    const en = `the folder ${path} holds no ${kind} file`;
    throw new CorpusError('CORPUS_SOURCE_MISSING', { en, zh: `目录 ${path} 中没有 ${kind} 文件` });
  });
  return found;
}

/** Documents of programs, by the ending of their names: no text as they are. */
const DOCUMENTS: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['doc', 'docx', 'docm', 'wps', 'rtf'].map((ending) => [ending, 'Word'])),
  ...Object.fromEntries(['xls', 'xlsx', 'xlsm', 'et'].map((ending) => [ending, 'Excel'])),
  ...Object.fromEntries(['ppt', 'pptx', 'dps'].map((ending) => [ending, 'PowerPoint'])),
  epub: 'EPUB',
  pdf: 'PDF',
};
const NOT_READ: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['odt', 'ods', 'odp'].map((ending) => [ending, 'OpenDocument'])),
  ...Object.fromEntries(['mobi', 'azw3'].map((ending) => [ending, 'Kindle'])),
  ofd: 'OFD',
};

/** @throws CorpusError CORPUS_SOURCE_FORMAT for a file that this source cannot read */
export function requireReadable(path: string): void {
  const ending = endingOf(path);
  const document = DOCUMENTS[ending];
  if (document !== undefined) {
    const en = `${path}: a source of type "document" reads ${document} files`;
    throw new CorpusError('CORPUS_SOURCE_FORMAT', {
      en,
      zh: `${path}：${document} 文件请用 "document" 类型的来源读取`,
    });
  }
  const program = NOT_READ[ending];
  if (program === undefined) return;
  const en = `${path}: ${program} files are not read; save it as .docx, .epub, .pdf or text (.txt)`;
  const zh = `${path}：不能读取 ${program} 文件；请另存为 .docx、.epub、.pdf 或文本（.txt）`;
  throw new CorpusError('CORPUS_SOURCE_FORMAT', { en, zh });
}

/** The ending of a name in lower case, that of the content for a compressed file; `hidden` and `without ending` for others. */
export function endingOf(path: string): string {
  const name = basename(path.replaceAll('\\', '/')).toLowerCase();
  if (name.startsWith('.')) return 'hidden';
  return /\.([^.]+)(\.(gz|zst))?$/.exec(name)?.[1] ?? 'without ending';
}

/** Files below the folders that are named and that none of `read` is, by ending. */
export function unreadFiles(entries: PathEntry[], base: string, read: ReadonlySet<string>): Record<string, number> {
  const unread: Record<string, number> = {};
  const seen = new Set<string>();
  for (const entry of entries) {
    const folder = isRemote(entry) ? undefined : resolve(base, entry as string);
    if (folder === undefined || !existing(folder).isDirectory()) continue;
    for (const file of filesBelow(folder)) {
      const path = join(folder, file);
      if (read.has(path) || seen.has(path)) continue;
      seen.add(path);
      const ending = endingOf(file);
      unread[ending] = (unread[ending] ?? 0) + 1;
    }
  }
  return Object.fromEntries(Object.entries(unread).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The same with every file by itself. */
export async function findFiles(
  entries: PathEntry[],
  around: Surroundings,
  wanted: RegExp,
  kind: string,
): Promise<FoundFile[]> {
  const files = (await findFolders(entries, around, wanted, kind)).flatMap(({ path, name, members }) =>
    members.map((member) => (member === '' ? { path, name } : { path: join(path, member), name: `${name}/${member}` })),
  );
  const names = new Set<string>();
  for (const { name } of files) {
    if (names.has(name))
      throw new CorpusError('CORPUS_RECIPE', {
        en: `two files of one source are named ${name}; rename one`,
        zh: `同一来源有两个文件名为 ${name}；请改名`,
      });
    names.add(name);
  }
  return files;
}

/** Files side by side: one server is not asked more than four times at once. */
const AT_ONCE = 4;

async function fetchAll(
  remotes: { url: string; sha256?: string }[],
  around: Surroundings,
): Promise<Map<string, string>> {
  const waiting = [...remotes];
  let done = 0;
  let bytes = 0;
  const worker = async () => {
    for (let remote = waiting.shift(); remote !== undefined; remote = waiting.shift()) {
      await download(remote, around.downloads, (piece) => {
        bytes += piece;
        around.onFetched?.(done, remotes.length, bytes);
      });
      around.onFetched?.(++done, remotes.length, bytes);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, remotes.length) }, worker));
  return new Map(remotes.map(({ url }) => [url, downloadedPath(around.downloads, url)]));
}

export function isRemote(entry: PathEntry): boolean {
  return typeof entry !== 'string' || /^https?:\/\//i.test(entry);
}

function remoteOf(entry: PathEntry): { url: string; sha256?: string } {
  return typeof entry === 'string' ? { url: entry } : entry;
}

/** A relative path without the way up from the recipe, an absolute one without the way down from the root. */
function stableName(path: string): string {
  const name = path.replaceAll('\\', '/');
  if (/^(\/|[a-z]:)/i.test(name)) return basename(name);
  return name.replace(/^(\.{1,2}\/)+/, '').replace(/\/+$/, '') || '.';
}
