/**
 * Tables of data as rows: one block a row, cells parted by ` | `, so that a value stays with what it is the value of.
 * Tables that only lay out a page (tables in tables, one cell a row, articles or forms in cells, lists of links) keep
 * their blocks.
 */
import { visibleLength } from './block-text.ts';
import { joinedBlock } from './joined-block.ts';
import type { Attributes } from './page-attributes.ts';
import type { Block, PageElement } from './page-tree.ts';

interface Cell {
  start: number;
  end: number;
  rows: number;
  columns: number;
}
interface Row {
  element: PageElement;
  cells: Cell[];
}
/** What was seen of an open table; numbers are of blocks. */
interface OpenTable {
  start: number;
  rows: Row[];
  nested: boolean;
  forms: boolean;
  ruled: boolean;
}

const SEPARATOR = ' | ';

const LONGEST_CELL = 200;
const MOST_BLOCKS = 3;
/** In a table that says that it is one, by lines or a head. */
const LONGEST_RULED_CELL = 1_000;
const MOST_RULED_BLOCKS = 12;
const MOST_LINKED = 0.5;
const MOST_COLUMNS = 60;

/** The tables that are open, one in another, and their rows and cells as they come. */
export class OpenTables {
  readonly #tables: OpenTable[] = [];

  begin({ border = '', style = '' }: Attributes, block: number): void {
    const outer = this.#tables.at(-1);
    if (outer !== undefined) outer.nested = true;
    const ruled = Number(border) > 0 || /border/i.test(style);
    this.#tables.push({ start: block, rows: [], nested: false, forms: false, ruled });
  }

  beginRow(element: PageElement): void {
    this.#tables.at(-1)?.rows.push({ element, cells: [] });
  }

  beginCell({ rowspan, colspan }: Attributes, isHead: boolean, block: number): void {
    const table = this.#tables.at(-1);
    if (table === undefined) return;
    if (isHead) table.ruled = true;
    table.rows.at(-1)?.cells.push({ start: block, end: block, rows: spanOf(rowspan), columns: spanOf(colspan) });
  }

  endCell(block: number): void {
    const cell = this.#tables.at(-1)?.rows.at(-1)?.cells.at(-1);
    if (cell !== undefined) cell.end = block;
  }

  /** A field of a form stands in the innermost table. */
  holdsField(): void {
    const table = this.#tables.at(-1);
    if (table !== undefined) table.forms = true;
  }

  /** @param inListing the table sets lines of code: they are joined elsewhere */
  end(blocks: Block[], inListing: boolean): void {
    const table = this.#tables.pop();
    if (table !== undefined && !inListing) joinRows(blocks, table);
  }
}

function spanOf(value: string | undefined): number {
  return Math.min(100, Math.max(1, Number.parseInt(value ?? '1', 10) || 1));
}

/** The blocks of a table that ends, in rows if it is one of data. */
function joinRows(blocks: Block[], table: OpenTable): void {
  if (!isOfData(blocks, table)) return;
  const before = table.rows[0]!.cells[0]?.start ?? table.start;
  const joined: Block[] = blocks.slice(table.start, before);
  /** Rows for which a cell from above still covers the column. */
  const covered: number[] = [];
  let next = before;
  for (const row of table.rows) {
    const end = row.cells.at(-1)?.end ?? next;
    const texts = textsOf(blocks, row, covered);
    const own = blocks.slice(next, end);
    const filled = row.cells.filter(({ start, end }) => end > start).length;
    const inCells = row.cells.reduce((sum, { start, end }) => sum + end - start, 0);
    if (filled < 2 || inCells < own.length) joined.push(...own);
    else
      joined.push(
        joinedBlock(
          own,
          texts
            .join(SEPARATOR)
            .replace(/(?: \| *)+$/, '')
            .trim(),
          { element: row.element },
        ),
      );
    next = end;
  }
  joined.push(...blocks.slice(next));
  blocks.splice(table.start, blocks.length - table.start, ...joined);
}

function isOfData(blocks: Block[], { rows, nested, forms, ruled, start }: OpenTable): boolean {
  if (nested || forms || rows.length < 2) return false;
  const inside = blocks.slice(start);
  if (inside.some(({ verbatim }) => verbatim)) return false;
  const characters = inside.reduce((sum, { text }) => sum + visibleLength(text), 0);
  if (inside.reduce((sum, { linked }) => sum + linked, 0) > MOST_LINKED * characters) return false;
  if (rows.some(({ cells }) => cells.length > MOST_COLUMNS)) return false;
  const filled = rows.map(({ cells }) => cells.filter(({ start, end }) => end > start));
  const wide = filled.filter((cells) => cells.length >= 2).length;
  if (wide < 2 || wide * 2 < filled.filter((cells) => cells.length > 0).length) return false;
  const [most, longest] = ruled ? [MOST_RULED_BLOCKS, LONGEST_RULED_CELL] : [MOST_BLOCKS, LONGEST_CELL];
  return filled.every((cells) =>
    cells.every(({ start, end }) => {
      const length = blocks.slice(start, end).reduce((sum, { text }) => sum + visibleLength(text), 0);
      return end - start <= most && length <= longest;
    }),
  );
}

/** A text for each column: a cell that covers more rows or columns than one leaves the others empty. */
function textsOf(blocks: Block[], { cells }: Row, covered: number[]): string[] {
  const texts: string[] = [];
  const skipCovered = (): void => {
    while (texts.length < MOST_COLUMNS && (covered[texts.length] ?? 0) > 0) {
      covered[texts.length]!--;
      texts.push('');
    }
  };
  for (const { start, end, rows, columns } of cells) {
    skipCovered();
    const text = blocks.slice(start, end).map((block) => block.text);
    for (let k = 0; k < columns && texts.length < MOST_COLUMNS; k++) {
      covered[texts.length] = rows - 1;
      texts.push(k === 0 ? text.join(' ') : '');
    }
  }
  skipCovered();
  return texts;
}
