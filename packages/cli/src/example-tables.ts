/** Examples of tables: which column of a file is which field of an example. */
import { statSync } from 'node:fs';
import type { RowReader } from '@tunan/training';
import { CommandLineError, UsageError } from './errors.ts';
import { text } from './language.ts';

const FIELDS = ['prompt', 'completion', 'messages', 'text', 'chosen', 'rejected'];

/** `prompt=问题,completion=答案`: columns by field. @throws UsageError */
export function columnsOf(given: string): ReadonlyMap<string, string> {
  return new Map(
    given.split(',').map((pair) => {
      const at = pair.indexOf('=');
      const [field, column] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
      if (at > 0 && FIELDS.includes(field) && column !== '') return [field, column] as const;
      const fields = FIELDS.join(', ');
      throw new UsageError(
        text(
          `--columns takes FIELD=COLUMN with commas, such as prompt=question,completion=answer, not '${pair}'; fields are ${fields}`,
          `--columns 的写法是“字段=列名”，以逗号分隔，如 prompt=问题,completion=答案，而不是“${pair}”；字段有 ${fields}`,
        ),
      );
    }),
  );
}

/** JSON, CSV, TSV, Excel, Parquet, and the texts of a corpus directory; numbers and dates of mapped columns become texts. */
export function exampleTables(columns: ReadonlyMap<string, string> | undefined): RowReader {
  return async function* (file) {
    const { openCorpus, readTable } = await import('@tunan/corpus');
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
      let line = 0;
      for await (const { text } of openCorpus(file).documents('train')) yield { record: { text }, line: ++line };
      return;
    }
    for await (const { record, line } of readTable(file)) {
      yield { record: columns === undefined ? record : mapped(record, columns, `${file}:${line}`), line };
    }
  };
}

function mapped(
  record: Readonly<Record<string, unknown>>,
  columns: ReadonlyMap<string, string>,
  place: string,
): Record<string, unknown> {
  return Object.fromEntries(
    [...columns].map(([field, column]) => {
      if (!Object.hasOwn(record, column)) {
        const names = Object.keys(record).join(', ');
        throw new CommandLineError('CLI_INPUT', {
          en: `${place}: there is no column ${column}; there are ${names}`,
          zh: `${place}：没有“${column}”列；有：${names}`,
        });
      }
      const value = record[column];
      const isText = ['number', 'bigint', 'boolean'].includes(typeof value);
      return [field, value instanceof Date ? value.toISOString() : isText ? String(value) : (value ?? '')];
    }),
  );
}

/** Tells what nearly says one of the texts. */
export async function nearTexts(others: Iterable<string>): Promise<{ has(text: string): boolean }> {
  const { NearTexts } = await import('@tunan/corpus');
  return new NearTexts(others);
}
