/**
 * The text of a document as it grows: paragraphs, headings with `#` as in Markdown, items of lists with their own numbers or `-`, rows of
 * tables as `a | b`, as stage `extract` gives those of pages. An empty line stands between blocks but not between items or rows.
 */
import { Unreadable } from './unreadable.ts';

/** UTF-16 units; more is no one document. */
const MOST_CHARACTERS = 64 * 2 ** 20;
/** Longer cells, or of more paragraphs, belong to a table that only lays out a page. */
const LONGEST_CELL = 1_000;
const MOST_CELL_PARAGRAPHS = 12;

type Kind = 'paragraph' | 'item' | 'row';

export class TextBlocks {
  readonly #blocks: string[] = [];
  #last: Kind | undefined;
  #length = 0;

  paragraph(text: string): void {
    this.#add(tidy(text), 'paragraph');
  }

  /** @param level from 1 */
  heading(text: string, level: number): void {
    const line = tidy(text).replaceAll(/\s*\n\s*/g, ' ');
    if (line !== '') this.#add(`${'#'.repeat(Math.min(6, Math.max(1, level)))} ${line}`, 'paragraph');
  }

  /** @param label `-`, or the number as it is shown; @param depth from 0 */
  item(text: string, label: string, depth: number): void {
    const content = tidy(text);
    if (content === '') return;
    this.#add(`${'  '.repeat(Math.min(depth, 8))}${labelled(label, content)}`, 'item');
  }

  /** A table whose rows hold cells, and these paragraphs. */
  table(rows: readonly (readonly (readonly string[])[])[]): void {
    const cells = rows.flat();
    const laysOut = cells.some(
      (paragraphs) =>
        paragraphs.length > MOST_CELL_PARAGRAPHS ||
        paragraphs.reduce((sum, text) => sum + text.length, 0) > LONGEST_CELL,
    );
    if (laysOut || rows.every((row) => row.length <= 1)) {
      for (const cell of cells) for (const text of cell) this.paragraph(text);
      return;
    }
    this.rows(rows.map((row) => row.map((cell) => cell.join(' '))));
  }

  /** Rows of one table; columns in which nothing stands are left out. */
  rows(rows: readonly (readonly string[])[]): void {
    const texts = rows.map((row) => row.map((cell) => tidy(cell).replaceAll(/\s*\n\s*/g, ' ')));
    const width = texts.reduce((most, row) => Math.max(most, row.length), 0);
    const filled = Array.from({ length: width }, (_, column) => texts.some((row) => (row[column] ?? '') !== ''));
    this.#last = undefined;
    for (const row of texts) {
      const cells = row.filter((_, column) => filled[column]);
      if (cells.every((cell) => cell === '')) this.#last = undefined;
      else this.#add(cells.join(' | ').trimEnd(), 'row');
    }
    this.#last = 'paragraph';
  }

  get isEmpty(): boolean {
    return this.#blocks.length === 0;
  }

  toString(): string {
    return this.#blocks.join('').toWellFormed();
  }

  #add(text: string, kind: Kind): void {
    if (text === '') return;
    if (this.#blocks.length > 0) this.#blocks.push(kind === this.#last && kind !== 'paragraph' ? '\n' : '\n\n');
    this.#blocks.push(text);
    this.#last = kind;
    this.#length += text.length + 2;
    if (this.#length > MOST_CHARACTERS) throw new Unreadable('document-too-large');
  }
}

/** A number that ends in Chinese punctuation needs no space: 一、总则, but 1. 总则. */
export function labelled(label: string, text: string): string {
  if (label === '') return text;
  return /[、，。．：）】〕》]$/u.test(label) ? `${label}${text}` : `${label} ${text}`;
}

/** Without control characters, spaces at the ends of lines and empty lines. */
function tidy(text: string): string {
  return text
    .replaceAll(/\r\n?|[\v\f\u0085\u2028\u2029]/g, '\n')
    .replaceAll(/(?![\t\n])\p{Cc}|\uFEFF/gu, '')
    .replaceAll(/[^\S\n]+\n/g, '\n')
    .replaceAll(/\n[^\S\n]*(?=\n)/g, '')
    .trim();
}
