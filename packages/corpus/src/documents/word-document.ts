/**
 * Word (.docx, .docm, .dotx; ECMA-376, WordprocessingML): the text that a reader sees, in order. Headings and numbered lists by style and
 * numbering, tables in rows, footnotes after the paragraph that names them, formulas as TeX. Left out: headers and footers of pages,
 * tables of contents, what change tracking has taken out, comments, hidden text, readings of ruby, codes of fields. Macros are never
 * looked at.
 */
import { formulaCloses, formulaOpens, tidyFormula } from './formula-text.ts';
import { mainPart, relationshipsOf } from './relationships.ts';
import { labelled, TextBlocks } from './text-blocks.ts';
import { Unreadable } from './unreadable.ts';
import { type ParagraphForm, readForm, readNumbering, WordStyles } from './word-styles.ts';
import { type Attributes, isOn, readXml, type XmlHandler } from './xml-events.ts';
import type { ZipParts } from './zip-parts.ts';

/** Nothing inside these is text of the document; `Fallback` is said twice. */
const UNREAD = new Set([
  ...[
    'del',
    'moveFrom',
    'delText',
    'pPrChange',
    'rPrChange',
    'tblPrChange',
    'trPrChange',
    'tcPrChange',
    'sectPrChange',
  ],
  ...['Fallback', 'rt', 'instrText', 'delInstrText', 'tabs'],
]);
/** Boxes that are ticked, in fonts of signs. */
const SIGNS: Readonly<Record<string, string>> = {
  F0FE: '☑',
  F052: '☑',
  F0A8: '☐',
  F0A3: '☐',
  F06F: '☐',
  F0FC: '✓',
  F0FB: '✗',
};

export async function readWord(zip: ZipParts): Promise<TextBlocks> {
  const main = await mainPart(zip);
  if (main === undefined) throw new Unreadable('damaged-document');
  const parts = new Map((await relationshipsOf(zip, main)).map(({ type, target }) => [type, target]));
  const styles = await WordStyles.read(zip, parts.get('styles') ?? '');
  const numbers = await readNumbering(zip, parts.get('numbering') ?? '');
  const notes = new Map<string, string>();
  for (const kind of ['footnote', 'endnote']) {
    await readNotes(zip, parts.get(`${kind}s`) ?? '', kind, (id, text) => notes.set(`${kind} ${id}`, text));
  }
  const blocks = new TextBlocks();
  const labelOf = ({ list = '0', depth = 0 }: ParagraphForm) => (list === '0' ? undefined : numbers.next(list, depth));
  await readXml(zip, main, new WordReader(blocks, styles, labelOf, notes));
  return blocks;
}

/** Footnotes stand in a part of their own; their first ones are lines that separate. */
async function readNotes(zip: ZipParts, part: string, kind: string, found: (id: string, text: string) => void) {
  let note: { id: string; blocks: TextBlocks; reader: WordReader } | undefined;
  const begin = ({ id = '', type = 'normal' }: Attributes) => {
    if (type !== 'normal') return;
    const blocks = new TextBlocks();
    note = { id, blocks, reader: new WordReader(blocks) };
  };
  await readXml(zip, part, {
    open(name, attributes, path) {
      if (name === kind) begin(attributes);
      else note?.reader.open(name, attributes, path);
    },
    close(name, path) {
      note?.reader.close(name, path);
      if (name !== kind || note === undefined) return;
      found(note.id, note.blocks.toString().replaceAll(/\s*\n\s*/g, ' '));
      note = undefined;
    },
    text(text, path) {
      note?.reader.text(text, path);
    },
  });
}

interface Paragraph {
  text: string;
  style: string | undefined;
  form: ParagraphForm;
  /** Where its formula begins, while one is open. */
  formula: number | undefined;
  hidden: boolean;
  /** Notes that it names, and text boxes that are anchored in it. */
  notes: string[];
  boxes: string[];
}

interface Table {
  rows: string[][][];
  /** What stands in a column that the cell below goes on with. */
  above: string[][];
  column: number;
  span: number;
  merged: 'no' | 'first' | 'more';
  notes: string[];
}

class WordReader implements Required<XmlHandler> {
  readonly #blocks: TextBlocks;
  readonly #styles: WordStyles | undefined;
  readonly #labelOf: (form: ParagraphForm) => string | undefined;
  readonly #notes: ReadonlyMap<string, string>;
  readonly #paragraphs: Paragraph[] = [];
  readonly #tables: Table[] = [];
  #named = 0;
  #unread = 0;
  /** A table of contents that its frame says is one. */
  #contents = 0;

  constructor(
    blocks: TextBlocks,
    styles?: WordStyles,
    labelOf: (form: ParagraphForm) => string | undefined = () => undefined,
    notes: ReadonlyMap<string, string> = new Map(),
  ) {
    this.#blocks = blocks;
    this.#styles = styles;
    this.#labelOf = labelOf;
    this.#notes = notes;
  }

  open(name: string, attributes: Attributes, path: readonly string[]): void {
    if (UNREAD.has(name)) this.#unread++;
    if (name === 'docPartGallery' && /table of contents/i.test(attributes.val ?? ''))
      this.#contents = path.lastIndexOf('sdt') + 1;
    if (this.#unread > 0) return;
    if (name === 'p') this.#paragraphs.push(emptyParagraph());
    else if (name === 'tbl') this.#tables.push({ rows: [], above: [], column: 0, span: 1, merged: 'no', notes: [] });
    else if (this.#tables.length > 0 && this.#openInTable(name, attributes)) return;
    const paragraph = this.#paragraphs.at(-1);
    if (paragraph !== undefined) this.#openInParagraph(paragraph, name, attributes, path);
  }

  close(name: string, path: readonly string[]): void {
    if (UNREAD.has(name)) this.#unread--;
    if (name === 'sdt' && path.length < this.#contents) this.#contents = 0;
    if (this.#unread > 0) return;
    const paragraph = this.#paragraphs.at(-1);
    if (paragraph?.formula !== undefined) {
      paragraph.text += formulaCloses(name, path.at(-1));
      if (name === 'oMath') {
        paragraph.text =
          paragraph.text.slice(0, paragraph.formula) + tidyFormula(paragraph.text.slice(paragraph.formula));
        paragraph.formula = undefined;
      }
    }
    if (name === 'r' && paragraph !== undefined) paragraph.hidden = false;
    if (name === 'p') this.#endParagraph();
    else if (name === 'tc') this.#endCell();
    else if (name === 'tbl') this.#endTable();
  }

  text(text: string, path: readonly string[]): void {
    const paragraph = this.#paragraphs.at(-1);
    if (path.at(-1) !== 't' || this.#unread > 0 || paragraph === undefined || paragraph.hidden) return;
    paragraph.text += text;
  }

  #openInTable(name: string, attributes: Attributes): boolean {
    const table = this.#tables.at(-1)!;
    if (name === 'tr') {
      table.rows.push([]);
      table.column = 0;
    } else if (name === 'tc') {
      table.rows.at(-1)?.push([]);
      table.span = 1;
      table.merged = 'no';
    } else if (name === 'gridSpan') table.span = Math.min(100, Number(attributes.val) || 1);
    else if (name === 'vMerge') table.merged = attributes.val === 'restart' ? 'first' : 'more';
    else return false;
    return true;
  }

  #openInParagraph(paragraph: Paragraph, name: string, attributes: Attributes, path: readonly string[]): void {
    const parent = path.at(-2);
    const { val = '' } = attributes;
    if (name === 'oMath') paragraph.formula = paragraph.text.length;
    if (paragraph.formula !== undefined) paragraph.text += formulaOpens(name, attributes, parent);
    if (name === 'pStyle') paragraph.style = val;
    else if (parent === 'pPr' || parent === 'numPr') readForm(paragraph.form, name, val);
    else if (name === 'vanish' && path.at(-3) === 'r') paragraph.hidden = isOn(attributes);
    else if (parent !== 'r' || paragraph.hidden) return;
    else if (name === 'tab' || name === 'ptab') paragraph.text += '\t';
    else if (name === 'br' || name === 'cr') paragraph.text += '\n';
    else if (name === 'noBreakHyphen') paragraph.text += '-';
    else if (name === 'sym') paragraph.text += SIGNS[(attributes.char ?? '').toUpperCase()] ?? '';
    else if (name === 'footnoteReference' || name === 'endnoteReference')
      this.#name(paragraph, name, attributes.id ?? '');
  }

  #name(paragraph: Paragraph, reference: string, id: string): void {
    const note = this.#notes.get(`${reference.replace('Reference', '')} ${id}`);
    if (note === undefined || note === '') return;
    const mark = `[^${++this.#named}]`;
    paragraph.text += mark;
    paragraph.notes.push(`${mark}: ${note}`);
  }

  #endParagraph(): void {
    const paragraph = this.#paragraphs.pop();
    if (paragraph === undefined || this.#contents > 0 || this.#styles?.isOfContents(paragraph.style) === true) return;
    const form = { ...this.#styles?.formOf(paragraph.style), ...paragraph.form };
    const label = paragraph.text.trim() === '' ? undefined : this.#labelOf(form);
    const outer = this.#paragraphs.at(-1);
    const table = this.#tables.at(-1);
    if (outer !== undefined) {
      // A text box: after the paragraph that it is anchored in.
      outer.boxes.push(labelled(label ?? '', paragraph.text), ...paragraph.boxes);
      outer.notes.push(...paragraph.notes);
    } else if (table !== undefined) {
      const cell = table.rows.at(-1)?.at(-1);
      for (const text of [labelled(label ?? '', paragraph.text), ...paragraph.boxes])
        if (text.trim() !== '') cell?.push(text);
      table.notes.push(...paragraph.notes);
    } else {
      this.#write(paragraph, form, label);
    }
  }

  #write({ text, boxes, notes }: Paragraph, { level = 0, depth = 0 }: ParagraphForm, label: string | undefined): void {
    if (level > 0)
      this.#blocks.heading(label === undefined || label === '-' ? text : labelled(label, text.trim()), level);
    else if (label !== undefined && label !== '') this.#blocks.item(text, label, depth);
    else this.#blocks.paragraph(text);
    for (const extra of [...boxes, ...notes]) this.#blocks.paragraph(extra);
  }

  #endCell(): void {
    const table = this.#tables.at(-1);
    const row = table?.rows.at(-1);
    const cell = row?.at(-1);
    if (table === undefined || row === undefined || cell === undefined) return;
    // A value that stands for several rows is said in each of them.
    if (table.merged === 'more' && cell.length === 0) cell.push(...(table.above[table.column] ?? []));
    table.above[table.column] = table.merged === 'no' ? [] : [...cell];
    for (let more = 1; more < table.span; more++) row.push([]);
    table.column += table.span;
  }

  #endTable(): void {
    const table = this.#tables.pop();
    if (table === undefined) return;
    const outer = this.#tables.at(-1);
    if (outer !== undefined) {
      const cell = outer.rows.at(-1)?.at(-1);
      for (const row of table.rows) cell?.push(row.map((texts) => texts.join(' ')).join(' '));
      outer.notes.push(...table.notes);
      return;
    }
    const box = this.#paragraphs.at(-1);
    if (box !== undefined) {
      box.boxes.push(...table.rows.map((row) => row.map((texts) => texts.join(' ')).join(' | ')), ...table.notes);
      return;
    }
    this.#blocks.table(table.rows);
    for (const note of table.notes) this.#blocks.paragraph(note);
  }
}

function emptyParagraph(): Paragraph {
  return { text: '', style: undefined, form: {}, formula: undefined, hidden: false, notes: [], boxes: [] };
}
