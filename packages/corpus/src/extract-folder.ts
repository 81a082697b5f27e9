/**
 * The main text of every page of a folder, one text file a page: what `tunan corpus extract` does. Pages that have none
 * are counted with their reasons and leave no file; each text is written whole or not at all.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import { writeWhole } from '@tunan/files';
import { decodePage, type ExtractedPage, extractPage, MOST_PAGE_BYTES } from '@tunan/page';
import { makeFolder } from './directory/output-directory.ts';
import { isRejection, type Rejection } from './document.ts';
import { CorpusError, writeProblem } from './errors.ts';
import { HTML_FILE } from './sources/html-source.ts';
import { simplify } from './stages/simplify.ts';

export interface ExtractFolderOptions {
  out: string;
  /** Traditional text is written in Simplified script. */
  simplified?: boolean;
  onProgress?: (done: number, total: number) => void;
}

export interface ExtractFolderResult {
  pages: number;
  written: number;
  /** How many of the written pages are forum pages. */
  forums: number;
  /** Written pages by the charset that was found. */
  encodings: Record<string, number>;
  /** Pages without a text, by reason. */
  reasons: Record<string, number>;
  rejected: { page: string; reason: string }[];
}

/** @throws CorpusError where the folder is missing or holds no page, or the texts cannot be written */
export async function extractFolder(folder: string, options: ExtractFolderOptions): Promise<ExtractFolderResult> {
  const pages = await pagesOf(folder);
  const result: ExtractFolderResult = {
    pages: pages.length,
    written: 0,
    forums: 0,
    encodings: {},
    reasons: {},
    rejected: [],
  };
  const taken = new Set<string>();
  for (const [done, page] of pages.entries()) {
    options.onProgress?.(done, pages.length);
    const found = await extractFile(join(folder, page));
    if (isRejection(found)) {
      result.reasons[found.reason] = (result.reasons[found.reason] ?? 0) + 1;
      result.rejected.push({ page, reason: found.reason });
      continue;
    }
    await writeText(
      join(options.out, freeName(page, taken)),
      options.simplified ? inSimplified(found.body) : found.body,
    );
    result.written++;
    if (found.kind === 'forum') result.forums++;
    result.encodings[found.encoding] = (result.encodings[found.encoding] ?? 0) + 1;
  }
  return result;
}

async function pagesOf(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder, { recursive: true });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new CorpusError(
      'CORPUS_SOURCE_MISSING',
      {
        en: `cannot read the folder ${folder} (${code}): give a folder of pages`,
        zh: `无法读取目录 ${folder}（${code}）：请给出网页所在的目录`,
      },
      {
        cause,
      },
    );
  }
  const pages = names.filter((name) => HTML_FILE.test(name)).sort();
  if (pages.length === 0) {
    throw new CorpusError('CORPUS_EMPTY', {
      en: `no page in ${folder}: names should end in .html, .htm, .xhtml or .shtml`,
      zh: `${folder} 中没有网页：文件名应以 .html、.htm、.xhtml 或 .shtml 结尾`,
    });
  }
  return pages;
}

async function extractFile(file: string): Promise<(ExtractedPage & { encoding: string }) | Rejection> {
  let bytes: Uint8Array;
  try {
    if ((await stat(file)).size > MOST_PAGE_BYTES) return { reason: 'page-too-large' };
    bytes = await readFile(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EISDIR') return { reason: 'not-a-file' };
    throw new CorpusError(
      'CORPUS_SOURCE_MISSING',
      { en: `cannot read ${file} (${code})`, zh: `无法读取 ${file}（${code}）` },
      { cause },
    );
  }
  const decoded = decodePage(bytes);
  if (isRejection(decoded)) return decoded;
  const found = extractPage(decoded.text);
  return isRejection(found) ? found : { ...found, encoding: decoded.encoding };
}

/** `a.html` → `a.txt`; where that is taken, by `a.htm`, the whole name is kept: `a.html.txt`. */
function freeName(page: string, taken: Set<string>): string {
  const { dir, name, base } = parse(page);
  const short = join(dir, `${name}.txt`);
  const free = taken.has(short) ? join(dir, `${base}.txt`) : short;
  taken.add(free);
  return free;
}

function inSimplified(body: string): string {
  return simplify({ id: '', source: '', title: '', body, meta: {} }).body;
}

async function writeText(file: string, body: string): Promise<void> {
  makeFolder(dirname(file));
  try {
    writeWhole(file, `${body}\n`);
  } catch (error) {
    throw writeProblem(file, error);
  }
}
