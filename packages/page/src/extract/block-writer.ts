/**
 * The text of the block that is open, until it ends and becomes one: lines of code, code in a sentence, formulas, labels of
 * buttons, reversed letters. Knows of elements only what it is told; the reader decides where a block ends.
 */
import { collapse, preformatted, reversed, visibleLength } from './block-text.ts';
import { bareListing, isCopyLabel, isNumberColumn, looksLikeCode } from './code-listings.ts';
import type { HintKinds } from './hint-kinds.ts';
import type { Block, PageElement } from './page-tree.ts';

/** A page of more is no page that a person wrote; what comes after is not read, so that memory stays bounded. */
export const MOST_BLOCKS = 60_000;
const LONGEST_LABEL = 8;
/** The name of a language, a button: what stands above a listing. */
const LONGEST_TOOL = 24;
/** A text that grows beyond is taken as it is: each look at it costs its length. */
const LONGEST_CHANGED = 50_000;
/** Code in a sentence. */
const LONGEST_CODE = 200;
/** Inline elements that hold a line each, where they follow each other. */
const LINE = /(?:^|[\s_-])(?:line|row|cl)(?:$|[\s_-])/;

/** An element that ends: where its text began, and what it says of it. */
interface Ending {
  start: number;
  texts: number;
  reversed: boolean;
  kinds: HintKinds;
}

export class BlockWriter {
  readonly blocks: Block[] = [];
  /** How many open elements are preformatted, may be listings, are bold. */
  preformatted = 0;
  listings = 0;
  stressed = 0;
  inLink = false;
  /** The page says that the preformatted text is code. */
  isCode = false;
  /** Links that begin in the block. */
  links = 0;
  /** How many texts came before this one. */
  texts = 0;

  #text = '';
  #lineEnded = false;
  #linked = 0;
  #stressedLength = 0;
  #raw = false;
  /** A part of a listing began or ended in it. */
  #hasParts = false;
  /** The inline element that ended last: its kind and where. */
  #ended = { tag: '', hint: '', at: -1 };
  /** The label of a button inside a sentence, until the sentence is seen to go on. */
  #label = '';
  #labelAt = -1;

  get length(): number {
    return this.#text.length;
  }

  append(text: string): void {
    if (text === '') return;
    if (this.#label !== '') this.#takeLabel(text);
    const length = visibleLength(text);
    if (this.preformatted > 0) this.#raw = true;
    this.#text += text;
    this.#lineEnded = text.charCodeAt(text.length - 1) === 0x0a;
    if (this.inLink) this.#linked += length;
    if (this.stressed > 0) this.#stressedLength += length;
  }

  /** A formula that stands there twice, as MathML and as an image, is written once. */
  appendFormula(written: string): void {
    if (written === '' || (this.#text.length < LONGEST_CHANGED && this.#text.endsWith(written))) return;
    this.append(written);
  }

  /** @param inSentence the button stands in an element that holds sentences */
  beginLabel(inSentence: boolean): void {
    this.#label = '';
    this.#labelAt = inSentence ? this.#text.length : -1;
  }

  appendLabel(text: string): void {
    if (this.#labelAt === this.#text.length) this.#label += text.trim();
  }

  /** «按〔确定〕按钮»: the label stands in the middle of a sentence. */
  #takeLabel(next: string): void {
    const isInside =
      this.#labelAt === this.#text.length &&
      this.#label.length <= LONGEST_LABEL &&
      /[\u4e00-\u9fff“「『《]$/.test(this.#text) &&
      /^[\u4e00-\u9fff”」』》，。；、！？]/.test(next);
    if (isInside) this.#text += this.#label;
    this.#label = '';
  }

  breakLine(): void {
    if (this.#text === '' || this.#lineEnded) return;
    this.#text += '\n';
    this.#lineEnded = true;
  }

  /** A part of a listing begins or ends. */
  breakPart(): void {
    this.breakLine();
    this.#hasParts = true;
  }

  /** An element begins in preformatted text; those that hold a line each begin one. */
  beginInline(tag: string, { hint, listing }: HintKinds, isBox: boolean): void {
    const { tag: before, hint: hintBefore, at } = this.#ended;
    const isNext = before === tag && hintBefore === hint && at === this.#text.length;
    if (isBox || (isNext && (tag === 'code' || LINE.test(hint)))) this.breakLine();
    if (tag === 'code' || listing) this.isCode = true;
  }

  endInline(tag: string, hint: string, isBox: boolean): void {
    if (isBox) this.breakLine();
    this.#ended = { tag, hint, at: this.#text.length };
  }

  /** Numbers of lines and buttons go, code in a sentence gets its marks, reversed letters are put right. */
  change(tag: string, isBlock: boolean, { start, texts, reversed: isReversed, kinds }: Ending): void {
    const { length } = this.#text;
    if (texts !== this.texts || length <= start || length >= LONGEST_CHANGED) return;
    const inListing = this.preformatted > 0 || this.listings > 0;
    if (inListing && (kinds.lineNumber || kinds.tool || isBlock)) this.#dropTool(start, kinds);
    else if (!inListing && (tag === 'code' || tag === 'samp')) this.#markCode(start);
    if (isReversed) this.#text = this.#text.slice(0, start) + reversed(this.#text.slice(start));
  }

  #dropTool(start: number, { lineNumber, tool }: HintKinds): void {
    const text = this.#text.slice(start);
    const isNumber = /^[\s\d.:]+$/.test(text) && (lineNumber || isNumberColumn(text));
    if (!isNumber && !isCopyLabel(text) && !(tool && text.length <= LONGEST_TOOL && !text.includes('\n'))) return;
    this.#text = this.#text.slice(0, start);
    this.#lineEnded = this.#text.endsWith('\n');
    if (isNumber && this.preformatted > 0) this.breakLine();
  }

  #markCode(start: number): void {
    const [before, text] = [this.#text.slice(0, start), this.#text.slice(start)];
    const code = text.trim();
    if (before.trim() === '' && text.split('\n').length > 2 && looksLikeCode(text, true)) {
      this.#raw = true;
      this.isCode = true;
    } else if (code !== '' && code.length <= LONGEST_CODE && !code.includes('`')) {
      const at = text.indexOf(code);
      this.#text = `${before}${text.slice(0, at)}\`${code}\`${text.slice(at + code.length)}`;
    }
  }

  /** Preformatted text ends; a column of numbers beside a listing is none of it. */
  dropNumbers(besideListing: boolean): void {
    if ((besideListing && /^\s*\d+\s*$/.test(this.#text)) || isNumberColumn(this.#text)) this.#text = '';
  }

  /** The text becomes a block of an element; white space alone becomes none. */
  end(element: PageElement, broken: boolean): void {
    if (this.#raw) this.#writePreformatted(element, broken);
    else this.#write(this.#text, collapse(this.#text), element, broken);
    this.#text = '';
    this.texts++;
    this.#linked = 0;
    this.#stressedLength = 0;
    this.links = 0;
    this.#raw = false;
    this.#hasParts = false;
    this.#label = '';
  }

  /** A program is one block, and so is preformatted prose, unless elements part it into lines. */
  #writePreformatted(element: PageElement, broken: boolean): void {
    const listing = bareListing(this.#text);
    const code = looksLikeCode(listing, this.isCode);
    if (code) this.#write(listing, listing, element, broken, { verbatim: true, code });
    else if (!this.#hasParts) this.#write(this.#text, preformatted(this.#text), element, broken, { verbatim: true });
    else for (const line of this.#text.split('\n')) this.#write(line, collapse(line), element, broken);
  }

  #write(source: string, text: string, element: PageElement, broken: boolean, form?: Partial<Block>): void {
    if (text === '' || this.blocks.length > MOST_BLOCKS) return;
    const length = visibleLength(text);
    this.blocks.push({
      text,
      source,
      linked: Math.min(this.#linked, length),
      stressed: Math.min(this.#stressedLength, length),
      element,
      indented: /^[\r\n\t ]*[\u3000\u00a0]{2}/.test(source),
      broken,
      verbatim: form?.verbatim ?? false,
      code: form?.code ?? false,
      links: this.links,
    });
  }
}
