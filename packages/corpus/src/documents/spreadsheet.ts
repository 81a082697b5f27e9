/** A workbook as the text of one document: every sheet that is shown, its name as a heading where there are several, its rows as `a | b`. */
import { TextBlocks } from './text-blocks.ts';
import { Unreadable } from './unreadable.ts';
import { Workbook } from './workbook.ts';
import type { ZipParts } from './zip-parts.ts';

/** UTF-16 units of all cells that are held before they are written. */
const MOST_CHARACTERS = 64 * 2 ** 20;

export async function readSpreadsheet(zip: ZipParts): Promise<{ blocks: TextBlocks; pages: number }> {
  const book = await Workbook.open(zip);
  const blocks = new TextBlocks();
  const sheets: { name: string; rows: string[][] }[] = [];
  let size = 0;
  for (const sheet of book.sheets) {
    const rows: string[][] = [];
    let last = 0;
    await book.readRows(sheet, (cells, row) => {
      if (rows.length > 0 && row > last + 1) rows.push([]);
      last = row;
      rows.push(cells);
      for (const cell of cells) size += cell.length + 3;
      if (size > MOST_CHARACTERS) throw new Unreadable('document-too-large');
    });
    if (rows.length > 0) sheets.push({ name: sheet.name, rows });
  }
  for (const { name, rows } of sheets) {
    if (sheets.length > 1) blocks.heading(name, 2);
    blocks.rows(rows);
  }
  return { blocks, pages: sheets.length };
}
