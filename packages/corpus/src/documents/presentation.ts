/**
 * PowerPoint (.pptx, .pptm, .ppsx; PresentationML): slide by slide in the order of the show, the title as a heading, then the other texts
 * with their levels, tables in rows, diagrams, and what the speaker's notes say. Hidden slides, dates, footers and numbers of slides are
 * left out.
 */
import { formulaCloses, formulaOpens, tidyFormula } from './formula-text.ts';
import { mainPart, relationshipsOf } from './relationships.ts';
import { TextBlocks } from './text-blocks.ts';
import { Unreadable } from './unreadable.ts';
import { type Attributes, readXml, type XmlHandler } from './xml-events.ts';
import type { ZipParts } from './zip-parts.ts';

export async function readPresentation(zip: ZipParts): Promise<{ blocks: TextBlocks; pages: number }> {
  const main = await mainPart(zip);
  if (main === undefined) throw new Unreadable('damaged-document');
  const slides = new Map((await relationshipsOf(zip, main)).map(({ id, target }) => [id, target]));
  const order: string[] = [];
  await readXml(zip, main, {
    open(name, attributes) {
      const target = name === 'sldId' ? slides.get(attributes['r:id'] ?? '') : undefined;
      if (target !== undefined) order.push(target);
    },
  });
  const blocks = new TextBlocks();
  for (const slide of order) await readSlide(zip, slide, blocks);
  return { blocks, pages: order.length };
}

async function readSlide(zip: ZipParts, slide: string, blocks: TextBlocks): Promise<void> {
  const reader = new SlideReader();
  await readXml(zip, slide, reader);
  if (reader.isHidden) return;
  const related = await relationshipsOf(zip, slide);
  const diagrams = new SlideReader();
  for (const { type, target } of related) if (type === 'diagramData') await readXml(zip, target, diagrams);
  const notes = new SlideReader(['body']);
  for (const { type, target } of related) if (type === 'notesSlide') await readXml(zip, target, notes);
  blocks.heading(reader.title, 2);
  for (const write of [...reader.content, ...diagrams.content, ...notes.content]) write(blocks);
}

/** Placeholders that hold the same on every slide. */
const FURNITURE = ['sldNum', 'dt', 'ftr', 'hdr', 'sldImg'];

class SlideReader implements Required<XmlHandler> {
  title = '';
  isHidden = false;
  readonly content: ((blocks: TextBlocks) => void)[] = [];
  readonly #wanted: readonly string[] | undefined;
  /** Kind of the placeholder that a shape fills; '' of one that fills none. */
  #place = '';
  #text: string | undefined;
  #formula: number | undefined;
  #level = 0;
  #rows: string[][][] | undefined;
  #fallback = 0;

  /** @param wanted the placeholders that are read alone; all but furniture where it is left out */
  constructor(wanted?: readonly string[]) {
    this.#wanted = wanted;
  }

  open(name: string, attributes: Attributes, path: readonly string[]): void {
    if (name === 'Fallback') this.#fallback++;
    if (this.#fallback > 0) return;
    if (name === 'sld') this.isHidden = attributes.show === '0';
    else if (name === 'sp') this.#place = '';
    else if (name === 'ph') this.#place = attributes.type ?? 'body';
    else if (name === 'p') [this.#text, this.#level] = ['', 0];
    else if (name === 'pPr') this.#level = Number(attributes.lvl ?? 0);
    else if (name === 'br' && this.#text !== undefined) this.#text += '\n';
    else if (name === 'tbl') this.#rows = [];
    else if (name === 'tr') this.#rows?.push([]);
    else if (name === 'tc') this.#rows?.at(-1)?.push([]);
    if (name === 'oMath' && this.#text !== undefined) this.#formula = this.#text.length;
    if (this.#formula !== undefined) this.#text += formulaOpens(name, attributes, path.at(-2));
  }

  close(name: string, path: readonly string[]): void {
    if (name === 'Fallback') this.#fallback--;
    if (this.#fallback > 0) return;
    if (this.#formula !== undefined && this.#text !== undefined) {
      this.#text += formulaCloses(name, path.at(-1));
      if (name === 'oMath') {
        this.#text = this.#text.slice(0, this.#formula) + tidyFormula(this.#text.slice(this.#formula));
        this.#formula = undefined;
      }
    }
    if (name === 'p') this.#endParagraph();
    else if (name === 'tbl') {
      const rows = this.#rows ?? [];
      this.#rows = undefined;
      this.content.push((blocks) => blocks.table(rows));
    }
  }

  text(text: string, path: readonly string[]): void {
    if (path.at(-1) === 't' && this.#text !== undefined && this.#fallback === 0) this.#text += text;
  }

  #endParagraph(): void {
    const [text = '', level] = [this.#text, this.#level];
    this.#text = undefined;
    if (text.trim() === '') return;
    if (this.#rows !== undefined) this.#rows.at(-1)?.at(-1)?.push(text);
    else if (FURNITURE.includes(this.#place) || this.#wanted?.includes(this.#place) === false) return;
    else if (this.#place === 'title' || this.#place === 'ctrTitle') this.title += ` ${text}`;
    else if (level > 0) this.content.push((blocks) => blocks.item(text, '-', level));
    else this.content.push((blocks) => blocks.paragraph(text));
  }
}
