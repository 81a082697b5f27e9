/**
 * Source type `repository`: files of a public repository at one commit. The archive that its host makes of a commit is
 * fetched and the wanted files are unpacked beside it; a local checkout stands in for it where the build names one.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { strFromU8, unzipSync } from 'fflate';
import { extract as extractTar } from 'tar';
import type { Draft } from '../document.ts';
import { CorpusError, writeProblem } from '../errors.ts';
import { existing, filesBelow } from '../reading/files.ts';
import type { RepositorySource } from '../recipe/recipe-sources.ts';
import { download } from './download.ts';
import type { Surroundings } from './paths.ts';
import { draftOfRecord } from './record-fields.ts';
import { markupText, translatedText, xmlText } from './repository-forms.ts';
import type { SourceItem } from './source-item.ts';

type Collection = RepositorySource['collections'][number];

/** Small files are read some hundred at a time. */
const FILES_A_UNIT = 256;
/** What is larger is no one text, page or set of dialogues. */
const MAX_FILE_BYTES = 256 * 2 ** 20;

export interface RepositoryUnit {
  collection: number;
  path: string;
  name: string;
  members: string[];
}

/** The files of every collection, in recipe order. @throws CorpusError CORPUS_SOURCE_MISSING for a pattern without files */
export async function repositoryFiles(source: RepositorySource, around: Surroundings): Promise<RepositoryUnit[]> {
  const patterns = source.collections.map(({ files }) => files.map(globPattern));
  const path = await checkout(source, around, (file) => patterns.flat().some((pattern) => pattern.test(file)));
  const files = filesBelow(path);
  return source.collections.flatMap((collection, index) => {
    const members = files.filter((file) => patterns[index]!.some((pattern) => pattern.test(file)));
    if (members.length === 0) {
      const patterns = collection.files.join(', ');
      const problem = {
        en: `no file of ${source.name} at ${path} matches ${patterns} (${collection.name})`,
        zh: `${source.name} 在 ${path} 中没有匹配 ${patterns} 的文件（${collection.name}）`,
      };
      throw new CorpusError('CORPUS_SOURCE_MISSING', problem);
    }
    const units: RepositoryUnit[] = [];
    for (let at = 0; at < members.length; at += FILES_A_UNIT) {
      units.push({ collection: index, path, name: source.name, members: members.slice(at, at + FILES_A_UNIT) });
    }
    return units;
  });
}

async function checkout(
  source: RepositorySource,
  around: Surroundings,
  wanted: (file: string) => boolean,
): Promise<string> {
  const local = around.local?.[source.name];
  if (local !== undefined) {
    if (existing(local).isDirectory()) return local;
    throw new CorpusError('CORPUS_SOURCE_MISSING', {
      en: `the local copy ${local} of ${source.name} is not a folder`,
      zh: `${source.name} 的本地副本 ${local} 不是目录`,
    });
  }
  const { repository, commit } = source;
  const folder = join(around.downloads, `${basename(repository)}-${commit.slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  const archive = await download(
    { url: `${repository.replace(/\/$/, '')}/archive/${commit}.tar.gz` },
    around.downloads,
  );
  const partial = `${folder}.part`;
  try {
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial);
    // The first folder of the archive is named after the commit.
    const filter = (file: string) => file.endsWith('/') || wanted(file.slice(file.indexOf('/') + 1));
    await extractTar({ file: archive, cwd: partial, strip: 1, filter, strict: true });
    renameSync(partial, folder);
  } catch (error) {
    if ((error as { tarCode?: string }).tarCode === undefined) throw writeProblem(folder, error);
    const { message } = error as Error;
    const problem = {
      en: `${archive} is no archive of ${source.name}: ${message}; remove it and run again`,
      zh: `${archive} 不是 ${source.name} 的存档（${message}）；请删除后重新运行`,
    };
    throw new CorpusError('CORPUS_SOURCE_FORMAT', problem, { cause: error });
  }
  return folder;
}

export async function* readRepositoryFiles(source: RepositorySource, unit: RepositoryUnit): AsyncGenerator<SourceItem> {
  const collection = source.collections[unit.collection]!;
  for (const member of unit.members) {
    const path = join(unit.path, member);
    const id = `${source.name}/${member}`;
    if (existing(path).size > MAX_FILE_BYTES) {
      yield { damaged: 'file-too-large', id };
      continue;
    }
    const bytes = await readFile(path);
    const draft = {
      id,
      source: source.name,
      title: titleOf(collection, member),
      body: '',
      meta: { collection: collection.name },
    };
    if (collection.form === 'html') yield { ...draft, page: { bytes } };
    else if (collection.form === 'dialogues') yield* dialogues(collection, draft, bytes, path);
    else if (collection.form === 'records') yield* records(source.name, collection, draft, bytes, path);
    else {
      const text = utf8(bytes);
      if (text === undefined) yield { damaged: 'invalid-encoding', id };
      else if (collection.form === 'lines') yield* lines(draft, text);
      else yield { ...draft, body: TEXTS[collection.form](text, member) };
    }
  }
}

const TEXTS: Record<
  Exclude<Collection['form'], 'html' | 'lines' | 'dialogues' | 'records'>,
  (text: string, member: string) => string
> = {
  text: (text, member) => (member.endsWith('.md') ? withoutMarkup(text) : text),
  markup: markupText,
  xml: xmlText,
  translations: translatedText,
};

function* lines(draft: Draft, text: string): Generator<SourceItem> {
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() !== '') yield { ...draft, id: `${draft.id}#${index}`, body: line.replaceAll('\t', '\n') };
  }
}

/** Each object with one of the fields is a document. */
function* records(
  name: string,
  { fields, name: collection }: Collection,
  draft: { id: string },
  bytes: Buffer,
  path: string,
): Generator<SourceItem> {
  let index = 0;
  for (const content of jsonFiles(bytes, path)) {
    for (const record of objectsWith(content, fields)) {
      const item = draftOfRecord({ name, fields: { text: fields, meta: [] } }, record, `${draft.id}#${index++}`);
      yield 'damaged' in item ? item : { ...item, meta: { collection } };
    }
  }
  if (index > 0) return;
  const names = fields.join(', ');
  throw new CorpusError('CORPUS_SOURCE_FORMAT', {
    en: `${path}: no object with a field ${names}; name the fields with text`,
    zh: `${path}：没有含字段 ${names} 的对象；请在 fields 中写明正文字段`,
  });
}

function* objectsWith(value: unknown, fields: readonly string[]): Generator<Record<string, unknown>> {
  if (value === null || typeof value !== 'object') return;
  if (fields.some((field) => Object.hasOwn(value, field))) yield value as Record<string, unknown>;
  else for (const inner of Object.values(value)) yield* objectsWith(inner, fields);
}

/** The words of a Markdown file: no comments, no marks of headings, quotes and emphasis. */
function withoutMarkup(markdown: string): string {
  return markdown
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/^[#>]+[ \t]*/gm, '')
    .replace(/\*\*|__|`/g, '');
}

function titleOf({ title }: Collection, member: string): string {
  if (title === 'file') return basename(member).replace(/\.[^.]+$/, '');
  // The collection's own folder says nothing of the text.
  return title === 'folders' ? dirname(member).split('/').slice(1).join('·') : '';
}

/** Each object with a list of turns is a dialogue: a turn a line. */
function* dialogues(
  collection: Collection,
  draft: { id: string; source: string; title: string; meta: Record<string, string> },
  bytes: Buffer,
  path: string,
): Generator<SourceItem> {
  let index = 0;
  for (const content of jsonFiles(bytes, path)) {
    for (const turns of turnLists(content, collection.turns)) {
      const words = turns.map((turn) =>
        typeof turn === 'string' ? turn : (turn as Record<string, unknown> | null)?.[collection.words],
      );
      const body = words.filter((word): word is string => typeof word === 'string' && word.trim() !== '').join('\n');
      yield { ...draft, id: `${draft.id}#${index++}`, body };
    }
  }
  if (index === 0) {
    const problem = {
      en: `${path}: no object with a list "${collection.turns}"; name the field with the turns`,
      zh: `${path}：没有含列表“${collection.turns}”的对象；请在 turns 中写明各轮对话的字段`,
    };
    throw new CorpusError('CORPUS_SOURCE_FORMAT', problem);
  }
}

function jsonFiles(bytes: Buffer, path: string): unknown[] {
  try {
    if (!path.endsWith('.zip')) return [JSON.parse(bytes.toString())];
    const filter = ({ name, originalSize }: { name: string; originalSize: number }) =>
      name.endsWith('.json') && !name.startsWith('__MACOSX') && originalSize <= MAX_FILE_BYTES;
    return Object.values(unzipSync(bytes, { filter })).map((file) => JSON.parse(strFromU8(file)) as unknown);
  } catch (cause) {
    throw new CorpusError(
      'CORPUS_SOURCE_FORMAT',
      {
        en: `${path} is not JSON: ${(cause as Error).message}`,
        zh: `${path} 不是 JSON（${(cause as Error).message}）`,
      },
      { cause },
    );
  }
}

/** Lists under the field of the turns, and in a list of lists those of nothing but texts. */
function* turnLists(value: unknown, field: string, inList = false): Generator<unknown[]> {
  if (value === null || typeof value !== 'object') return;
  const isList = Array.isArray(value);
  if (isList && inList && value.length > 1 && value.every((turn) => typeof turn === 'string')) return yield value;
  const turns = (value as Record<string, unknown>)[field];
  if (Array.isArray(turns)) yield turns;
  else for (const inner of Object.values(value)) yield* turnLists(inner, field, isList);
}

function utf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** `*` stands for any characters but `/`, `**` for any. */
function globPattern(glob: string): RegExp {
  const parts = glob.split(/(\*\*\/|\*\*|\*)/).map((part) => {
    if (part === '**/') return '(?:.*/)?';
    if (part === '**') return '.*';
    return part === '*' ? '[^/]*' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`);
}
