/** Source type `parquet`: one document a row. Read a row group's slice at a time, so that memory does not grow with the file. */
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import type { Draft } from '../document.ts';
import { CorpusError } from '../errors.ts';
import type { ParquetSource } from '../recipe-sources.ts';
import { draftOfRecord } from './record-fields.ts';

const ROWS_AT_ONCE = 1_000;

/** @throws CorpusError CORPUS_SOURCE_FORMAT for a file that is no Parquet, lacks a column or is damaged. */
export async function* readParquetFile(
  source: ParquetSource,
  unit: { path: string; name: string },
): AsyncGenerator<Draft> {
  const { fields } = source;
  const wanted = [fields.text, fields.title, fields.id, fields.url, ...fields.meta].filter(
    (name) => name !== undefined,
  );
  let index = 0;
  for await (const record of readParquetRows(unit.path, wanted)) {
    const complain = (problem: string) => damaged(unit.path, `row ${index}: ${problem}`);
    yield draftOfRecord(source, record, `${unit.name}#${index}`, complain);
    index++;
  }
}

/** The rows of a file with the columns that are wanted. */
export async function* readParquetRows(path: string, columns: string[]): AsyncGenerator<Record<string, unknown>> {
  try {
    const file = await asyncBufferFromFile(path);
    if (file.byteLength === 0) throw damaged(path, 'it is empty');
    const metadata = await parquetMetadataAsync(file);
    const present = new Set(metadata.schema.map(({ name }) => name));
    const missing = columns.find((name) => !present.has(name));
    if (missing !== undefined)
      throw damaged(path, `it has no column "${missing}"; it has ${[...present].slice(1).join(', ')}`);
    const rows = Number(metadata.num_rows);
    for (let rowStart = 0; rowStart < rows; rowStart += ROWS_AT_ONCE) {
      const rowEnd = Math.min(rows, rowStart + ROWS_AT_ONCE);
      yield* await parquetReadObjects({ file, metadata, compressors, columns, rowStart, rowEnd });
    }
  } catch (cause) {
    if (cause instanceof CorpusError) throw cause;
    throw damaged(path, (cause as Error).message, cause);
  }
}

function damaged(path: string, problem: string, cause?: unknown): CorpusError {
  return new CorpusError('CORPUS_SOURCE_FORMAT', `${path} cannot be read as Parquet: ${problem}`, { cause });
}
