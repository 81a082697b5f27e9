/**
 * Folders of collected texts: what somebody has read from many public sources already, as JSON lines with a `manifest.json` that says
 * for each source its commit, its licence and the file it lies in. One named by the build stands in for the sources of the recipe
 * that it holds, so that a corpus can be built without fetching a hundred repositories.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileSha256 } from '@tunan/files';
import { readJsonFile } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { CorpusError } from '../errors.ts';
import { readJsonLines } from '../reading/json-lines.ts';
import type { Source } from '../recipe/recipe.ts';
import type { SourceItem } from './source-item.ts';

const rowSchema = z.object({
  file: z.string().min(1),
  source: z.string().min(1),
  commit: z.string().optional(),
  sha256: z.string().optional(),
});

type Row = z.infer<typeof rowSchema> & { folder: string; alone: boolean };

/** The lines of one source in one file. */
export interface CollectedUnit {
  collection: number;
  path: string;
  name: string;
  /** The source whose lines are read; undefined where all of the file are its. */
  collected: { source: string | undefined };
}

/** The rows of the manifests, and which files were found to be what they say. */
export class CollectedTexts {
  readonly #rows: Row[];
  readonly #checked = new Set<string>();

  /** @throws CorpusError CORPUS_SOURCE_FORMAT for a folder without such a manifest */
  constructor(folders: readonly string[]) {
    this.#rows = folders.flatMap((folder) => {
      const read = readJsonFile(join(folder, 'manifest.json'));
      const rows = 'problem' in read ? undefined : z.array(rowSchema).safeParse(read.value).data;
      if (rows === undefined) {
        throw new CorpusError('CORPUS_SOURCE_FORMAT', {
          en: `${folder} is no folder of collected texts: manifest.json is missing or no list of {file, source, commit}; for a checkout write NAME=${folder}`,
          zh: `${folder} 不是文本汇集目录：缺少 manifest.json，或其内容不是 {file, source, commit} 的列表；若为仓库副本请写 NAME=${folder}`,
        });
      }
      return rows.map((row) => ({ ...row, folder, alone: rows.filter(({ file }) => file === row.file).length === 1 }));
    });
  }

  /**
   * The files that hold a source; undefined where no folder has it.
   * @throws CorpusError CORPUS_CHECKSUM where the folder has another commit of it, or a file is not what its manifest says
   */
  async unitsOf(source: Source): Promise<CollectedUnit[] | undefined> {
    if (source.type === 'npm-package') return undefined;
    const rows = this.#rows.filter((row) => row.source === source.name);
    if (rows.length === 0) return undefined;
    for (const row of rows) {
      if ('commit' in source && row.commit !== undefined && row.commit !== source.commit) throw changed(row, source);
      await this.#check(row);
    }
    const unit = (row: Row, collection: number): CollectedUnit => ({
      collection,
      path: join(row.folder, row.file),
      name: row.file,
      collected: { source: row.alone ? undefined : row.source },
    });
    if (source.type !== 'repository') return rows.map((row) => unit(row, 0));
    return source.collections.map(({ name }, index) => {
      const row = rows.find(({ file }) => file.replace(/\.jsonl(\.zst|\.gz)?$/, '') === name);
      if (row !== undefined) return unit(row, index);
      throw new CorpusError('CORPUS_SOURCE_MISSING', {
        en: `${rows[0]!.folder} has ${source.name}, but no file ${name}.jsonl for its collection ${name}`,
        zh: `${rows[0]!.folder} 中有 ${source.name}，但没有集合 ${name} 的文件 ${name}.jsonl`,
      });
    });
  }

  async #check({ folder, file, sha256 }: Row): Promise<void> {
    const path = join(folder, file);
    if (sha256 === undefined || this.#checked.has(path)) return;
    const found = await fileSha256(path);
    if (found !== sha256) {
      throw new CorpusError('CORPUS_CHECKSUM', {
        en: `${path} is not what ${join(folder, 'manifest.json')} says: SHA-256 ${found}, not ${sha256}; get the file again`,
        zh: `${path} 与 ${join(folder, 'manifest.json')} 所写不符：SHA-256 为 ${found}，应为 ${sha256}；请重新获取该文件`,
      });
    }
    this.#checked.add(path);
  }
}

function changed({ folder, commit }: Row, { name, commit: wanted }: { name: string; commit: string }): CorpusError {
  return new CorpusError('CORPUS_CHECKSUM', {
    en: `${name} in ${folder} is of commit ${commit}, the recipe names ${wanted}: the source changed; take that commit, or change the recipe`,
    zh: `${folder} 中的 ${name} 为提交 ${commit}，配方所写为 ${wanted}：来源已变；请取该提交，或修改配方`,
  });
}

/** Bytes and SHA-256 of the records of one source, each as JSON without spaces and a line end: however the file is packed. */
export async function fingerprintCollected({ path, collected }: Pick<CollectedUnit, 'path' | 'collected'>) {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const { value } of readJsonLines(path)) {
    if (collected.source !== undefined && !isOf(collected.source, value)) continue;
    const record = Buffer.from(`${JSON.stringify(value)}\n`);
    bytes += record.length;
    hash.update(record);
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Lines are `{id, source, text}`, or `messages` (a turn a line), or `prompt` and `completion` in place of the text. */
export async function* readCollected(
  name: string,
  collection: string,
  { path, collected }: Pick<CollectedUnit, 'path' | 'collected'>,
): AsyncGenerator<SourceItem> {
  for await (const { value, line } of readJsonLines(path)) {
    const record = value as Record<string, unknown>;
    if (collected.source !== undefined && !isOf(collected.source, record)) continue;
    const id = typeof record.id === 'string' ? record.id : `${name}#${line}`;
    const body = bodyOf(record);
    if (body === undefined) yield { damaged: 'no-text', id, text: JSON.stringify(record) };
    else yield { id, source: name, title: '', body: body.toWellFormed(), meta: { collection } };
  }
}

/** A line names its source, or a file of it. */
function isOf(source: string, record: unknown): boolean {
  const named = (record as { source?: unknown } | null)?.source;
  return typeof named === 'string' && (named === source || named.startsWith(`${source}/`));
}

function bodyOf({ text, messages, prompt, completion }: Record<string, unknown>): string | undefined {
  const lines = Array.isArray(messages)
    ? messages.map((turn) => (turn as { content?: unknown } | null)?.content)
    : text === undefined
      ? [prompt, completion]
      : [text];
  return lines.every((line) => typeof line === 'string') && lines.length > 0 ? lines.join('\n') : undefined;
}
