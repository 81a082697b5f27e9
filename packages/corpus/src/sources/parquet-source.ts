/** Source type `parquet`: one document a row. Read a row group's slice at a time, so that memory does not grow with the file. */
import type { Said } from '@tunan/protocol/mistakes';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { CorpusError } from '../errors.ts';
import type { ParquetSource } from '../recipe/recipe-sources.ts';
import { draftOfRecord, fieldNames } from './record-fields.ts';
import type { SourceItem } from './source-item.ts';

const ROWS_AT_ONCE = 1_000;

/** @throws CorpusError CORPUS_SOURCE_FORMAT for a file that is no Parquet, lacks a column or is damaged. */
export async function* readParquetFile(
  source: ParquetSource,
  unit: { path: string; name: string },
): AsyncGenerator<SourceItem> {
  const { fields } = source;
  const named = [...fieldNames(fields.text), fields.title, fields.id, fields.url, ...fields.meta];
  const wanted = named.flatMap((name) => (name === undefined ? [] : [name]));
  let index = 0;
  for await (const record of readParquetRows(unit.path, wanted)) {
    yield draftOfRecord(source, record, `${unit.name}#${index}`);
    index++;
  }
}

/** Names of the columns. @throws CorpusError CORPUS_SOURCE_FORMAT */
export async function parquetColumns(path: string): Promise<string[]> {
  try {
    const { schema } = await parquetMetadataAsync(await asyncBufferFromFile(path));
    const tops: string[] = [];
    // The schema is a tree written in order; the children of the root are the columns.
    for (let at = 1; at < schema.length; at = afterElement(schema, at)) tops.push(schema[at]!.name);
    return tops;
  } catch (cause) {
    const { message } = cause as Error;
    throw damaged(path, { en: message, zh: message }, cause);
  }
}

function afterElement(schema: readonly { num_children?: number }[], at: number): number {
  let next = at + 1;
  for (let child = 0; child < (schema[at]!.num_children ?? 0); child++) next = afterElement(schema, next);
  return next;
}

/** The rows of a file with the columns that are wanted. */
export async function* readParquetRows(path: string, columns: string[]): AsyncGenerator<Record<string, unknown>> {
  try {
    const file = await asyncBufferFromFile(path);
    if (file.byteLength === 0) throw damaged(path, { en: 'it is empty', zh: '文件为空' });
    const metadata = await parquetMetadataAsync(file);
    const present = new Set(metadata.schema.map(({ name }) => name));
    // `a.b` may be a field inside the column a.
    const top = [...new Set(columns.map((name) => (present.has(name) ? name : name.split('.')[0]!)))];
    const missing = top.find((name) => !present.has(name));
    const known = [...present].slice(1).join(', ');
    if (missing !== undefined) {
      throw damaged(path, {
        en: `it has no column "${missing}"; it has ${known}`,
        zh: `没有“${missing}”列；有：${known}`,
      });
    }
    const rows = Number(metadata.num_rows);
    for (let rowStart = 0; rowStart < rows; rowStart += ROWS_AT_ONCE) {
      const rowEnd = Math.min(rows, rowStart + ROWS_AT_ONCE);
      yield* await parquetReadObjects({ file, metadata, compressors, columns: top, rowStart, rowEnd });
    }
  } catch (cause) {
    if (cause instanceof CorpusError) throw cause;
    const { message } = cause as Error;
    throw damaged(path, { en: message, zh: message }, cause);
  }
}

function damaged(path: string, problem: Said, cause?: unknown): CorpusError {
  const en = `${path} cannot be read as Parquet: ${problem.en}`;
  return new CorpusError('CORPUS_SOURCE_FORMAT', { en, zh: `${path} 无法按 Parquet 读取：${problem.zh}` }, { cause });
}
