/**
 * Source type `csv`: one document a row, fields by the names in the first row (RFC 4180; comma, semicolon or tab, whichever the first
 * row has most of). Rows of another number of fields are counted and listed among the rejects.
 */
import type { Said } from '@tunan/protocol/mistakes';
import { AUTO, atLine, decodedLines, NO_KNOWN_CHARSET, requireEncoding } from '../reading/decoded-text.ts';
import type { CsvSource } from '../recipe/recipe-sources.ts';
import { draftOfRecord } from './record-fields.ts';
import type { SourceItem } from './source-item.ts';

export const CSV_FILE = /\.(csv|tsv)(\.gz|\.zst)?$/i;

/** A field that is longer is a quotation mark that nobody closed. */
const MAX_FIELD_CHARACTERS = 2 ** 24;

const UNCLOSED: Said = { en: 'a quotation mark is not closed', zh: '引号未闭合' };

export async function* readCsvFile(
  source: CsvSource,
  file: { path: string; name: string },
): AsyncGenerator<SourceItem> {
  requireEncoding(source.name, source.encoding);
  let index = 0;
  for await (const row of csvRecords(file.path, source.encoding)) {
    const id = `${file.name}#${index++}`;
    if ('damaged' in row) {
      yield { ...row, id };
      continue;
    }
    yield draftOfRecord(source, row.record, id);
  }
}

type CsvRecord = { record: Record<string, string>; line: number } | { damaged: string; detail: Said; text: string };

/** The rows below the first, as records by the names of the first. */
export async function* csvRecords(path: string, encoding: string = AUTO): AsyncGenerator<CsvRecord> {
  let names: string[] | undefined;
  for await (const row of csvRows(path, encoding)) {
    if ('damaged' in row) {
      yield row;
      continue;
    }
    const { fields, line } = row;
    if (names === undefined) {
      names = fields.map((name) => name.trim());
      continue;
    }
    if (fields.length === 1 && fields[0] === '') continue;
    if (fields.length !== names.length) {
      const detail = atLine(line, {
        en: `${fields.length} fields, and the first row names ${names.length}`,
        zh: `有 ${fields.length} 个字段，而首行列出 ${names.length} 个`,
      });
      yield { damaged: 'wrong-columns', detail, text: fields.join(' | ') };
      continue;
    }
    yield { record: Object.fromEntries(names.map((name, at) => [name, fields[at]!])), line };
  }
}

type Row = { fields: string[]; line: number } | { damaged: string; detail: Said; text: string };

async function* csvRows(path: string, encoding: string): AsyncGenerator<Row> {
  let delimiter: string | undefined;
  let row = new RowReader(',');
  let begun = 0;
  for await (const decoded of decodedLines(path, encoding)) {
    const { line } = decoded;
    if ('damaged' in decoded) {
      yield {
        damaged: decoded.damaged,
        detail: atLine(line, NO_KNOWN_CHARSET),
        text: '',
      };
      row = new RowReader(delimiter ?? ',');
      continue;
    }
    if (delimiter === undefined) {
      delimiter = delimiterOf(decoded.text);
      row = new RowReader(delimiter);
    }
    if (!row.isOpen) begun = line;
    row.add(decoded.text);
    if (row.size > MAX_FIELD_CHARACTERS) {
      yield { damaged: 'record-too-large', detail: atLine(begun, UNCLOSED), text: '' };
      row = new RowReader(delimiter);
    } else if (!row.isOpen) yield { fields: row.take(), line: begun };
  }
  if (row.isOpen)
    yield {
      damaged: 'unclosed-quote',
      detail: atLine(begun, UNCLOSED),
      text: row.take().join(' | '),
    };
}

function delimiterOf(head: string): string {
  const count = (mark: string) => head.split(mark).length;
  return [',', '\t', ';'].reduce((best, mark) => (count(mark) > count(best) ? mark : best));
}

/** The fields of one row, which a quoted field spreads over several lines. */
class RowReader {
  readonly #delimiter: string;
  #fields: string[] = [];
  #quoted: string | undefined;

  constructor(delimiter: string) {
    this.#delimiter = delimiter;
  }

  get isOpen(): boolean {
    return this.#quoted !== undefined;
  }

  get size(): number {
    return this.#quoted?.length ?? 0;
  }

  add(line: string): void {
    let at = 0;
    if (this.#quoted !== undefined) {
      this.#quoted += '\n';
      at = this.#readQuoted(line, 0);
    }
    while (at >= 0 && at <= line.length) at = line[at] === '"' ? this.#openQuoted(line, at) : this.#readPlain(line, at);
  }

  take(): string[] {
    const fields = this.#quoted === undefined ? this.#fields : [...this.#fields, this.#quoted];
    this.#fields = [];
    this.#quoted = undefined;
    return fields;
  }

  /** The place after the field and its delimiter; -1 at the end of the row. */
  #readPlain(line: string, at: number): number {
    const end = line.indexOf(this.#delimiter, at);
    this.#fields.push(end < 0 ? line.slice(at) : line.slice(at, end));
    return end < 0 ? -1 : end + 1;
  }

  #openQuoted(line: string, at: number): number {
    this.#quoted = '';
    return this.#readQuoted(line, at + 1);
  }

  #readQuoted(line: string, start: number): number {
    let at = start;
    for (;;) {
      const mark = line.indexOf('"', at);
      if (mark < 0) {
        this.#quoted += line.slice(at);
        return -1;
      }
      this.#quoted += line.slice(at, mark);
      if (line[mark + 1] === '"') {
        this.#quoted += '"';
        at = mark + 2;
        continue;
      }
      const end = line.indexOf(this.#delimiter, mark + 1);
      this.#fields.push(this.#quoted + line.slice(mark + 1, end < 0 ? undefined : end));
      this.#quoted = undefined;
      return end < 0 ? -1 : end + 1;
    }
  }
}
