/** The paths of a recipe as files: folders are walked, addresses are fetched, names are made that hold on any machine. */
import { readdirSync, type Stats, statSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { CorpusError } from '../errors.ts';
import type { PathEntry } from '../recipe-sources.ts';
import { download, downloadedPath } from './download.ts';

/** A file to read. */
export type FoundFile = {
  /** On this machine; never written into the corpus. */
  path: string;
  /** The stable part of document ids. */
  name: string;
};

/** A folder and the wanted files below it, or one file (`members` is then one empty name). */
export type FoundFolder = FoundFile & { members: string[] };

export type Surroundings = {
  /** What relative paths start from. */
  base: string;
  /** Where fetched files are kept. */
  downloads: string;
  /** Local copies that stand in for repositories, by the name of the source. */
  local?: Record<string, string> | undefined;
  /** Called for each file that was fetched, or was there. */
  onFetched?: (done: number, total: number, bytes: number) => void;
};

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
    if (!existing(path).isDirectory()) return { path, name, members: [''] };
    const members = filesBelow(path).filter((file) => wanted.test(file));
    if (members.length > 0) return { path, name, members };
    throw new CorpusError('CORPUS_SOURCE_MISSING', `the folder ${path} holds no ${kind} file`);
  });
  return found;
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
      throw new CorpusError('CORPUS_RECIPE', `two files of one source are named ${name}; rename one`);
    names.add(name);
  }
  return files;
}

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
    const problem = `cannot read source ${path}: ${(cause as Error).message}`;
    throw new CorpusError('CORPUS_SOURCE_MISSING', problem, { cause });
  }
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
