/**
 * Records of a file that people keep in rows, for what reads them one by one: JSON (lines or one list), CSV, TSV, Excel, Parquet; in
 * whatever charset, plain or compressed. Unlike the sources of a corpus it takes no damage: the first row that cannot be read ends it.
 */
import { existsSync } from 'node:fs';
import type { Said } from '@tunan/protocol/mistakes';
import { CorpusError } from '../errors.ts';
import { CSV_FILE, csvRecords } from './csv-source.ts';
import { ask, damagedBy, SPREADSHEET_FILE } from './document-source.ts';
import { jsonRecords } from './jsonl-source.ts';
import { parquetColumns, readParquetRows } from './parquet-source.ts';

/** A workbook is read whole, in a thread of its own. */
const WORKBOOK_SECONDS = 600;

export interface TableRow {
  /** By the names of the columns. */
  readonly record: Readonly<Record<string, unknown>>;
  /** From 1: of the file, where it has lines, else of the records. */
  readonly line: number;
}

/** In bounded memory. @throws CorpusError CORPUS_MALFORMED_LINE with file and line, CORPUS_SOURCE_FORMAT */
export async function* readTable(file: string): AsyncGenerator<TableRow> {
  if (!existsSync(file)) {
    throw new CorpusError('CORPUS_SOURCE_FORMAT', {
      en: `${file}: there is no such file`,
      zh: `${file}：没有这个文件`,
    });
  }
  if (SPREADSHEET_FILE.test(file)) return yield* workbookRecords(file);
  if (/\.parquet$/i.test(file)) return yield* parquetRecords(file);
  if (!CSV_FILE.test(file)) return yield* jsonObjects(file);
  for await (const row of csvRecords(file)) {
    if ('damaged' in row) throw damaged(file, row.detail);
    yield row;
  }
}

/** Of all sheets that are shown, by the first row of each. */
async function* workbookRecords(file: string): AsyncGenerator<TableRow> {
  const answer = await ask({ path: file, rows: {} }, WORKBOOK_SECONDS);
  if (!('rows' in answer)) {
    const { detail = { en: 'it cannot be read', zh: '无法读取' } } = damagedBy(answer, file);
    throw new CorpusError('CORPUS_SOURCE_FORMAT', { en: `${file}: ${detail.en}`, zh: `${file}：${detail.zh}` });
  }
  for (const { record, row } of answer.rows.rows) yield { record, line: row };
}

async function* parquetRecords(file: string): AsyncGenerator<TableRow> {
  let line = 0;
  for await (const record of readParquetRows(file, await parquetColumns(file))) yield { record, line: ++line };
}

async function* jsonObjects(file: string): AsyncGenerator<TableRow> {
  for await (const row of jsonRecords(file)) {
    if ('damaged' in row) throw damaged(file, row.detail);
    const { value, line } = row;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw damaged(file, { en: `line ${line}: not a JSON object`, zh: `第 ${line} 行：不是 JSON 对象` });
    yield { record: value as Record<string, unknown>, line };
  }
}

function damaged(file: string, { en, zh }: Said): CorpusError {
  return new CorpusError('CORPUS_MALFORMED_LINE', { en: `${file}: ${en}`, zh: `${file}：${zh}` });
}
