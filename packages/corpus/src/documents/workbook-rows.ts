/** Rows of a workbook as records by the names in the first row of their sheet, some at a time. */
import { formatOfZip, kindOfFile } from './document-format.ts';
import { Unreadable } from './unreadable.ts';
import { Workbook } from './workbook.ts';
import { ZipParts } from './zip-parts.ts';

export interface RowsRequest {
  /** The sheet that is read; all that are shown where it is left out. */
  sheet?: string | undefined;
  /** No more rows than these. */
  most?: number | undefined;
}

export interface WorkbookRow {
  sheet: string;
  /** As Excel numbers them. */
  row: number;
  record: Record<string, string>;
}

export interface WorkbookRows {
  rows: WorkbookRow[];
  /** Sheets that are shown. */
  sheets: string[];
}

const MOST_CHARACTERS = 64 * 2 ** 20;

/** @throws Unreadable */
export async function readWorkbookRows(path: string, { sheet: wanted, most }: RowsRequest): Promise<WorkbookRows> {
  const kind = await kindOfFile(path);
  if ('unreadable' in kind) throw new Unreadable(kind.unreadable);
  if (!('zip' in kind)) throw new Unreadable('not-a-document');
  using zip = await ZipParts.open(path);
  if ((await formatOfZip(zip)) !== 'xlsx') throw new Unreadable('not-a-document');
  const book = await Workbook.open(zip);
  const rows: WorkbookRow[] = [];
  let size = 0;
  for (const sheet of book.sheets) {
    if (wanted !== undefined && sheet.name !== wanted) continue;
    let names: string[] | undefined;
    await book.readRows(sheet, (cells, row) => {
      if (names === undefined) {
        names = cells;
        return;
      }
      if (most !== undefined && rows.length >= most) return;
      const record: Record<string, string> = {};
      for (const [column, name] of names.entries()) if (name !== '') record[name] = cells[column] ?? '';
      for (const cell of cells) size += cell.length;
      if (size > MOST_CHARACTERS) throw new Unreadable('document-too-large');
      rows.push({ sheet: sheet.name, row, record });
    });
  }
  return { rows, sheets: book.sheets.map(({ name }) => name) };
}
