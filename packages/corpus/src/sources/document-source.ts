/** Source type `document`: office documents, books and PDF, one document a file; and `spreadsheet`: one document a row of a workbook. */
import { join } from 'node:path';
import type { Said } from '@tunan/protocol/mistakes';
import { DocumentReader } from '../documents/document-reader.ts';
import type { DocumentAnswer, DocumentRequest } from '../documents/document-worker.ts';
import { whyUnreadable } from '../documents/unreadable.ts';
import { CorpusError } from '../errors.ts';
import type { DocumentSource, SpreadsheetSource } from '../recipe/recipe-sources.ts';
import { draftOfRecord } from './record-fields.ts';
import type { Damaged, SourceItem } from './source-item.ts';

export const DOCUMENT_FILE =
  /\.(docx|docm|dotx|dotm|pptx|pptm|ppsx|ppsm|potx|xlsx|xlsm|xltx|epub|pdf|doc|dot|wps|xls|et|ppt|pps|dps|rtf)$/i;
export const SPREADSHEET_FILE = /\.(xlsx|xlsm|xltx)$/i;

/** One thread reads the documents of a worker. */
const reader = new DocumentReader();

export async function* readDocumentFiles(
  source: DocumentSource,
  unit: { path: string; name: string; members: string[] },
): AsyncGenerator<SourceItem> {
  for (const member of unit.members) {
    const id = member === '' ? unit.name : `${unit.name}/${member}`;
    const answer = await ask({ path: join(unit.path, member) }, source.seconds);
    if (!('document' in answer)) yield damagedBy(answer, id);
    else {
      const { format, title, author, text, pages } = answer.document;
      const meta = {
        collection: source.name,
        format,
        ...(pages === undefined ? {} : { pages: String(pages) }),
        ...(author === '' ? {} : { author }),
      };
      yield { id, source: source.name, title, body: text, meta };
    }
  }
}

export async function* readSpreadsheetFile(
  source: SpreadsheetSource,
  file: { path: string; name: string },
): AsyncGenerator<SourceItem> {
  const { sheet, seconds } = source;
  const answer = await ask({ path: file.path, rows: { sheet } }, seconds);
  if (!('rows' in answer)) {
    yield damagedBy(answer, file.name);
    return;
  }
  const { rows, sheets } = answer.rows;
  if (sheet !== undefined && !sheets.includes(sheet)) {
    const there = sheets.join(', ');
    const detail = { en: `no sheet "${sheet}"; there are: ${there}`, zh: `没有工作表“${sheet}”；现有：${there}` };
    yield { damaged: 'no-such-sheet', id: file.name, detail };
  }
  for (const one of rows) {
    // Rows that only part others hold nothing.
    if (Object.values(one.record).every((cell) => cell === '')) continue;
    const id = `${file.name}#${one.sheet}!${one.row}`;
    yield draftOfRecord(source, one.record, id);
  }
}

/** The first rows of a workbook as records; none where it cannot be read. */
export async function firstRows(path: string, most: number, seconds: number): Promise<Record<string, string>[]> {
  const answer = await ask({ path, rows: { most } }, seconds);
  return 'rows' in answer ? answer.rows.rows.map(({ record }) => record) : [];
}

export async function ask(request: DocumentRequest, seconds: number): Promise<DocumentAnswer> {
  const answer = await reader.read(request, seconds);
  if (!('failed' in answer)) return answer;
  const { message } = answer.failed;
  const said: Said = { en: `cannot read ${request.path}: ${message}`, zh: `无法读取 ${request.path}：${message}` };
  throw new CorpusError('CORPUS_SOURCE_READ', said);
}

export function damagedBy(answer: DocumentAnswer, id: string): Damaged {
  if (!('unreadable' in answer)) throw new Error('a document reader gave another answer than was asked for');
  const { unreadable, detail } = answer;
  const why = whyUnreadable(unreadable);
  if (detail === undefined) return { damaged: unreadable, id, detail: why };
  return { damaged: unreadable, id, detail: { en: `${why.en} (${detail})`, zh: `${why.zh}（${detail}）` } };
}
