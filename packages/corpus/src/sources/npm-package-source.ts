/**
 * Source type `npm-package`: JSON files that a package of the npm registry carries to any machine. The package is looked
 * for from the base directory, then from this program; it is never downloaded here. A record is any object that has one
 * of the recipe's line fields, wherever it stands in the file, so flat lists of poems and books of chapters are read
 * by the same walk.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Draft } from '../document.ts';
import { CorpusError } from '../errors.ts';
import type { Collection, NpmPackageSource } from '../recipe/recipe-sources.ts';

interface Json {
  [key: string]: unknown;
}

/** Files of every collection, in recipe order, then pattern order, then natural order of the names. */
export function npmPackageFiles(source: NpmPackageSource, base: string) {
  const root = join(packageDirectory(source, base), source.root);
  const names = listFiles(root);
  return source.collections.flatMap((collection, index) =>
    collection.files.flatMap((pattern) => {
      const matches = names.filter((name) => matcher(pattern).test(name)).sort(naturalOrder);
      if (matches.length === 0) {
        const where = `${source.package}@${source.version}`;
        throw new CorpusError('CORPUS_SOURCE_MISSING', {
          en: `no file of ${where} matches "${pattern}" (${collection.name})`,
          zh: `${where} 中没有匹配“${pattern}”的文件（${collection.name}）`,
        });
      }
      return matches.map((name) => ({ collection: index, path: join(root, name), name }));
    }),
  );
}

/** The records of one file. @throws CorpusError CORPUS_SOURCE_FORMAT where it is not JSON or holds no record. */
export async function* readPackageFile(
  source: NpmPackageSource,
  file: { collection: number; path: string; name: string },
): AsyncGenerator<Draft> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(file.path, 'utf8'));
  } catch (cause) {
    throw new CorpusError(
      'CORPUS_SOURCE_FORMAT',
      {
        en: `${file.path} is not JSON: ${(cause as Error).message}`,
        zh: `${file.path} 不是 JSON（${(cause as Error).message}）`,
      },
      { cause },
    );
  }
  const collection = source.collections[file.collection]!;
  const label = `${source.package}@${source.version}`;
  const stem = file.name.replace(/\.json$/, '');
  let index = 0;
  for (const { record, parents } of records(content, collection, [])) {
    yield { id: `${stem}#${index++}`, source: label, ...fieldsOf(record, parents, collection) };
  }
  if (index === 0) {
    const fields = collection.lines.join(', ');
    throw new CorpusError('CORPUS_SOURCE_FORMAT', {
      en: `${file.path}: no record with any of the fields ${fields}`,
      zh: `${file.path}：没有含字段 ${fields} 之一的记录`,
    });
  }
}

function packageDirectory(source: NpmPackageSource, base: string): string {
  const wanted = `${source.package}@${source.version}`;
  const install = `npm install ${wanted}`;
  const starts = [pathToFileURL(resolve(base, 'package.json')).href, import.meta.url];
  const found: string[] = [];
  for (const start of starts) {
    const manifest = findManifest(source.package, start);
    if (manifest === undefined) continue;
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version?: string };
    if (version === source.version) return dirname(manifest);
    found.push(String(version));
  }
  const there = found.join(', ');
  throw new CorpusError('CORPUS_SOURCE_MISSING', {
    en: `the npm package ${wanted} ${there === '' ? 'is not installed' : `is needed, but ${there} is installed`}; run: ${install}`,
    zh: `${there === '' ? `没有安装 npm 包 ${wanted}` : `需要 npm 包 ${wanted}，而已安装的是 ${there}`}；请运行：${install}`,
  });
}

/** Node's own search path, without resolving: `exports` of a data package need not name its package.json. */
function findManifest(name: string, start: string): string | undefined {
  for (const folder of createRequire(start).resolve.paths(name) ?? []) {
    const manifest = join(folder, name, 'package.json');
    try {
      readFileSync(manifest);
      return manifest;
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code))) throw error;
    }
  }
  return undefined;
}

function listFiles(root: string): string[] {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) =>
    join(entry.parentPath, entry.name)
      .slice(root.length + 1)
      .replaceAll('\\', '/'),
  );
}

function matcher(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^/]*')}$`);
}

/** poet.tang.2000 before poet.tang.10000, on every machine alike (a locale's collation is not). */
function naturalOrder(a: string, b: string): number {
  const key = (name: string) => name.replace(/\d+/g, (digits) => digits.padStart(12, '0'));
  const [left, right] = [key(a), key(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Every object with a line field, in document order, with the objects it stands in (outermost first). */
function* records(value: unknown, form: Collection, parents: Json[]): Generator<{ record: Json; parents: Json[] }> {
  if (Array.isArray(value)) {
    for (const item of value) yield* records(item, form, parents);
  } else if (value !== null && typeof value === 'object') {
    const record = value as Json;
    if (linesOf(record, form) !== undefined) {
      yield { record, parents };
    } else {
      for (const inner of Object.values(record)) {
        if (inner !== null && typeof inner === 'object') yield* records(inner, form, [...parents, record]);
      }
    }
  }
}

function linesOf(record: Json, form: Collection): string[] | undefined {
  for (const field of form.lines) {
    const value = record[field];
    if (typeof value === 'string') return [value];
    if (Array.isArray(value) && value.every((line) => typeof line === 'string')) return value;
  }
  return undefined;
}

function firstText(records: Json[], fields: string[]): string {
  for (const record of records) {
    for (const field of fields) {
      const value = record[field];
      if (typeof value === 'string' && value.trim() !== '') return value.trim();
    }
  }
  return '';
}

function fieldsOf(record: Json, parents: Json[], form: Collection): Omit<Draft, 'id' | 'source'> {
  const own = firstText([record], form.title) || form.untitled;
  const book = form.bookTitle ? firstText(parents, form.title) : '';
  const author = firstText([record, ...parents.toReversed()], form.author);
  const meta: Record<string, string> = { collection: form.name };
  if (form.dynasty !== undefined) meta.dynasty = form.dynasty;
  if (author !== '') meta.author = author;
  const title = book === '' || book === own ? own : `${book}·${own}`;
  return {
    title,
    body: linesOf(record, form)!
      .map((line) => shapeLine(line, form))
      .join('\n'),
    meta,
  };
}

function shapeLine(line: string, form: Collection): string {
  const broken = form.breakAt === undefined ? line : line.replaceAll(form.breakAt, '\n');
  const spaced = form.spaceAs === undefined ? broken : broken.trim().replace(/\s+/g, form.spaceAs);
  return form.lineEnd !== undefined && /\p{L}$/u.test(spaced) ? spaced + form.lineEnd : spaced;
}
