/**
 * Reads a page in one pass over the tokens of htmlparser2.
 *
 * Broken markup is read as browsers do in essence: a stray end tag closes nothing outside its table cell, an inline end
 * tag closes no block, a paragraph ends where a block begins, elements deeper than 512 hang at that depth. Unknown tags
 * are inline; what is hidden or silent breaks no line.
 */
import { Tokenizer } from 'htmlparser2';
import { collapse, decoded, marksIn, preformatted, reversed, visibleLength } from './block-text.ts';
import {
  bareListing,
  isCopyLabel,
  isNumberColumn,
  isSetAsListing,
  joinCodeLines,
  joinListing,
  keepsLines,
  looksLikeCode,
} from './code-listings.ts';
import { joinRows, type OpenTable } from './data-tables.ts';
import { formula, imageFormula, mathml } from './formulas.ts';
import {
  type Appearance,
  type Attributes,
  appearanceOf,
  hiddenByAttributes,
  type StyleSheets,
} from './hidden-parts.ts';
import { type HintKinds, kindsOfHint } from './hint-kinds.ts';
import { type Block, MOST_BLOCKS, type PageElement, type PageTree } from './page-tree.ts';
import {
  BLOCK,
  CELLS,
  LISTING_PARTS,
  PREFORMATTED,
  SIBLINGS,
  SILENT,
  STRESSED,
  SUBSTITUTES,
  VOID,
} from './tag-kinds.ts';

const DEEPEST = 512;
const MOST_ELEMENTS = 400_000;
const LONGEST_HINT = 160;
/** Pages in `srcdoc` and the like, one in another. */
const MOST_PAGES_INSIDE = 3;

/** Attributes that are looked at. */
const WANTED: ReadonlySet<string> = new Set(
  (
    'class id role itemprop style hidden aria-hidden open href name property content datetime type src alt eeimg data-tex ' +
    'dir rowspan colspan border shadowrootmode srcdoc'
  ).split(' '),
);
/** First letter and length of them, so that most others are passed over without a look at the name. */
const WANTED_SHAPES = new Uint8Array(32 * 32);
for (const name of WANTED) WANTED_SHAPES[shapeOf(name.charCodeAt(0), name.length)] = 1;

function shapeOf(first: number, length: number): number {
  return ((first & 31) << 5) | Math.min(length, 31);
}

const NO_ATTRIBUTES: Attributes = {};

const RAW: ReadonlySet<string> = new Set(['textarea', 'noembed', 'noframes']);
/** Elements with sentences in which a button may be named. */
const SENTENCE_TAGS: ReadonlySet<string> = new Set(['p', 'li', 'dd', 'td', 'blockquote']);
const LONGEST_LABEL = 8;
/** The name of a language, a button: what stands above a listing. */
const LONGEST_TOOL = 24;
/** A text that grows beyond is taken as it is: each look at it costs its length. */
const LONGEST_CHANGED = 50_000;
/** Code in a sentence. */
const LONGEST_CODE = 200;
/** Inline elements that hold a line each, where they follow each other. */
const LINE = /(?:^|[\s_-])(?:line|row|cl)(?:$|[\s_-])/;
const BOX = /display\s*:\s*(?:block|flex|grid|table-row)/i;
/** Fewer marks of punctuation are no page that a script shows. */
const LEAST_HIDDEN = 4;
const PLAIN: Appearance = {};

/** An open element, and what holds for the text in it. */
type Open = {
  element: PageElement;
  kinds: HintKinds;
  hidden: boolean;
  sizeless: boolean;
  silent: boolean;
  reversed: boolean;
  /** Line ends of the source are line ends. */
  lines: boolean;
  preformatted: boolean;
  /** Inline, but set as a block. */
  box: boolean;
  listing: boolean;
  /** Number of the first block of it. */
  block: number;
  /** Where its text begins in the text of the block that was open then. */
  start: number;
  texts: number;
};

export type Reading = {
  sheets: StyleSheets | undefined;
  /** Places of elements that hide most of the page: they are shown. */
  shown: ReadonlySet<number>;
  substitutes: boolean;
};

export class PageReader {
  readonly #elements: PageElement[] = [];
  #blocks: Block[] = [];
  readonly #meta = new Map<string, string>();
  #title = '';
  #time: string | undefined;

  #html: string;
  readonly #reading: Reading;
  readonly #root: PageElement;
  /** Open elements; those deeper than DEEPEST are counted only. */
  readonly #stack: Open[];
  readonly #tables: OpenTable[] = [];
  #tooDeep = 0;
  #silent = 0;
  #stressed = 0;
  #preformatted = 0;
  #listings = 0;
  #pagesInside = 0;
  /** How many elements were open where the page inside began. */
  #insideFrom = 0;
  #inLink = false;
  #inTitle = false;

  #tag = '';
  #tagStart = 0;
  #attribute = '';
  #attributes: Attributes = NO_ATTRIBUTES;

  #text = '';
  #lineEnded = false;
  /** How many texts came before it. */
  #texts = 0;
  #linked = 0;
  #stressedLength = 0;
  #links = 0;
  #raw = false;
  /** A part of a listing began or ended in it. */
  #hasParts = false;
  /** The page says that the preformatted text is code. */
  #isCode = false;
  /** The inline element that ended last: its kind and where. */
  #ended = { tag: '', hint: '', at: -1 };
  /** The label of a button inside a sentence, until the sentence is seen to go on. */
  #label = '';
  #labelAt = -1;
  #mathAt = 0;

  /** By the place of the outermost hidden element: marks of punctuation in it. */
  readonly #hiddenMarks = new Map<number, number>();
  #hiddenAt = 0;
  /** The silent text stands in place of something else, and marks of punctuation in such text. */
  #inSubstitute = false;
  #substituteMarks = 0;

  constructor(html: string, reading: Reading) {
    this.#html = html;
    this.#reading = reading;
    this.#root = { tag: 'html', parent: undefined, depth: 0, index: 0, hint: '', images: 0, inputs: 0 };
    this.#elements.push(this.#root);
    this.#stack = [rootOf(this.#root)];
  }

  read(): PageTree {
    this.#tokenize();
    while (this.#stack.length > 1) this.#pop();
    this.#endBlock(false);
    this.#blocks = joinCodeLines(this.#blocks);
    const title = this.#title.replace(/\s+/g, ' ').trim();
    const unread = [...this.#hiddenMarks.values()].reduce((sum, n) => sum + n, this.#substituteMarks);
    return { elements: this.#elements, blocks: this.#blocks, title, meta: this.#meta, time: this.#time, unread };
  }

  /** Places of hidden elements with so many sentences that a script must show them; none where the page shows more. */
  wronglyHidden(): number[] {
    const marks = [...this.#hiddenMarks.values()];
    const hidden = marks.reduce((sum, n) => sum + n, 0);
    if (hidden < LEAST_HIDDEN) return [];
    const seen = this.#blocks.reduce(
      (sum, { text, linked }) => sum + (linked * 3 < text.length ? marksIn(text) : 0),
      0,
    );
    if (hidden <= seen && !this.#reading.substitutes) return [];
    const least = Math.max(3, Math.max(...marks) / 5);
    return [...this.#hiddenMarks].filter(([, n]) => n >= least).map(([place]) => place);
  }

  #tokenize(): void {
    // Entities are decoded a text at a time: the tokenizer then runs from one `<` to the next.
    const tokenizer = new Tokenizer({ decodeEntities: false }, this);
    tokenizer.write(this.#html);
    tokenizer.end();
  }

  /** A page that stands in an attribute or as the text of an element. */
  #readInside(html: string): void {
    if (this.#pagesInside >= MOST_PAGES_INSIDE) return;
    const outer = { html: this.#html, tag: this.#tag, attributes: this.#attributes, inside: this.#insideFrom };
    const open = this.#stack.length;
    this.#pagesInside++;
    this.#insideFrom = open;
    this.#html = html;
    this.#tokenize();
    while (this.#stack.length > open) this.#pop();
    this.#insideFrom = outer.inside;
    this.#pagesInside--;
    this.#html = outer.html;
    this.#tag = outer.tag;
    this.#attributes = outer.attributes;
  }

  onopentagname(start: number, end: number): void {
    this.#tag = this.#html.slice(start, end).toLowerCase();
    this.#tagStart = start;
    this.#attributes = NO_ATTRIBUTES;
  }

  onattribname(start: number, end: number): void {
    this.#attribute = '';
    if (WANTED_SHAPES[shapeOf(this.#html.charCodeAt(start), end - start)] === 0) return;
    const name = this.#html.slice(start, end).toLowerCase();
    if (!WANTED.has(name)) return;
    this.#attribute = name;
    if (this.#attributes === NO_ATTRIBUTES) this.#attributes = {};
    this.#attributes[name] ??= '';
  }

  onattribdata(start: number, end: number): void {
    if (this.#attribute === '' || this.#attributes[this.#attribute] !== '') return;
    // A data: address or a script of a megabyte in an attribute is of no use here.
    const last = this.#attribute === 'srcdoc' ? end : Math.min(end, start + 2048);
    this.#attributes[this.#attribute] = this.#html.slice(start, last);
  }

  onattribentity(): void {}
  onattribend(): void {}

  onopentagend(): void {
    if (this.#blocks.length > MOST_BLOCKS) return;
    this.#open(false);
  }

  onselfclosingtag(): void {
    this.#open(true);
  }

  onclosetag(start: number, end: number): void {
    this.#close(this.#html.slice(start, end).toLowerCase(), start);
  }

  ontext(start: number, end: number): void {
    if (this.#blocks.length > MOST_BLOCKS) return;
    if (this.#inTitle) {
      if (this.#title.length < 2_000) this.#title += decoded(this.#html.slice(start, Math.min(end, start + 2_000)));
      return;
    }
    const top = this.#stack[this.#stack.length - 1]!;
    if (this.#silent > 0) {
      this.#hearSilent(top, start, end);
      return;
    }
    if (RAW.has(top.element.tag) && this.#stack.length !== this.#insideFrom) {
      this.#readSubstitute(decoded(this.#html.slice(start, end)));
      return;
    }
    const text = decoded(this.#html.slice(start, end));
    if (top.hidden) this.#hiddenMarks.set(this.#hiddenAt, (this.#hiddenMarks.get(this.#hiddenAt) ?? 0) + marksIn(text));
    else if (top.lines && this.#preformatted === 0) this.#appendLines(text);
    else if (!top.sizeless) this.#append(text);
  }

  ontextentity(): void {}
  oncdata(): void {}
  oncomment(): void {}
  ondeclaration(): void {}
  onprocessinginstruction(): void {}
  onend(): void {}

  #append(text: string): void {
    if (text === '') return;
    if (this.#label !== '') this.#takeLabel(text);
    const length = visibleLength(text);
    if (this.#preformatted > 0) this.#raw = true;
    this.#text += text;
    this.#lineEnded = text.charCodeAt(text.length - 1) === 0x0a;
    if (this.#inLink) this.#linked += length;
    if (this.#stressed > 0) this.#stressedLength += length;
  }

  /** What stands in `<textarea>` and the like: a page or plain text. */
  #readSubstitute(text: string): void {
    this.#endBlock(false);
    if (/<[a-z][^<>]*>/i.test(text)) this.#readInside(text);
    else this.#appendLines(text);
    this.#endBlock(true);
  }

  #appendLines(text: string): void {
    text.split('\n').forEach((line, i) => {
      if (i > 0) this.#endBlock(true);
      this.#append(line);
    });
  }

  /** Formulas in scripts and the labels of buttons. */
  #hearSilent({ element: { tag } }: Open, start: number, end: number): void {
    if (this.#inSubstitute) this.#substituteMarks += marksIn(this.#html.slice(start, end));
    if (tag === 'script' && this.#silent === 1) {
      if (this.#attributes.type?.startsWith('math/') !== true) return;
      const source = this.#html.slice(start, end);
      const display = /mode\s*=\s*display/.test(this.#attributes.type);
      this.#appendFormula(this.#attributes.type.startsWith('math/mml') ? mathml(source) : formula(source, display));
    } else if (tag === 'button' && this.#silent === 1 && this.#labelAt === this.#text.length) {
      this.#label += decoded(this.#html.slice(start, end)).trim();
    }
  }

  /** «按〔确定〕按钮»: the label stands in the middle of a sentence. */
  #takeLabel(next: string): void {
    const isInside =
      this.#labelAt === this.#text.length &&
      this.#label.length <= LONGEST_LABEL &&
      /[\u4e00-\u9fff“「『《]$/.test(this.#text) &&
      /^[\u4e00-\u9fff”」』》，。；、！？]/.test(next) &&
      SENTENCE_TAGS.has(this.#blockElement().tag);
    if (isInside) this.#text += this.#label;
    this.#label = '';
  }

  /** A formula that stands there twice, as MathML and as an image, is written once. */
  #appendFormula(written: string): void {
    if (written === '' || (this.#text.length < LONGEST_CHANGED && this.#text.endsWith(written))) return;
    this.#append(written);
  }

  #open(selfClosed: boolean): void {
    const tag = this.#tag;
    if (VOID.has(tag)) {
      this.#openVoid(tag);
      return;
    }
    if (tag === 'html' || tag === 'body') {
      this.#mergeRoot(tag);
      if (tag === 'html') return;
    }
    if (tag === 'title' && this.#title === '' && this.#silentBelowHead()) this.#inTitle = true;
    if (tag === 'time') this.#time ??= this.#attributes.datetime;
    const isBlock = BLOCK.has(tag);
    if (isBlock) this.#closeParagraph();
    if (SIBLINGS[tag] !== undefined) this.#closeSiblings(tag);
    const look = this.#lookOf(tag);
    if (isBlock && !look.hidden && !look.silent) this.#boundary(tag);
    if (tag === 'a') {
      this.#inLink = this.#attributes.href !== undefined;
      if (this.#inLink && this.#silent === 0 && !look.hidden) this.#links++;
    }
    if (tag === 'iframe' && this.#attributes.srcdoc && this.#silent === 0 && !look.hidden) {
      this.#endBlock(false);
      this.#readInside(decoded(this.#attributes.srcdoc));
      this.#endBlock(false);
    }
    if (selfClosed && tag !== 'a' && (!isBlock || tag.includes(':'))) return;
    this.#push(tag, look);
  }

  #openVoid(tag: string): void {
    const top = this.#stack[this.#stack.length - 1]!;
    if (tag === 'br') {
      if (this.#preformatted > 0 && this.#silent === 0 && !top.hidden) this.#append('\n');
      else this.#endBlock(true);
    } else if (tag === 'hr') this.#endBlock(false);
    else if (tag === 'img') {
      top.element.images++;
      if (this.#attributes.alt && this.#silent === 0) this.#appendFormula(imageFormula(this.#attributes));
    } else if (tag === 'input') {
      top.element.inputs++;
      const table = this.#tables.at(-1);
      if (table !== undefined) table.forms = true;
    } else if (tag === 'meta') this.#takeMeta();
  }

  #takeMeta(): void {
    const { name, property, itemprop, content } = this.#attributes;
    const key = (name ?? property ?? itemprop)?.toLowerCase();
    if (key === undefined || content === undefined || this.#meta.size >= 200 || this.#meta.has(key)) return;
    this.#meta.set(key, decoded(content).trim());
  }

  /** A second `<body>` or `<html>` only adds its attributes. */
  #mergeRoot(tag: string): void {
    if (this.#root.hint === '' && tag === 'html') this.#root.hint = hintOf(this.#attributes);
    // What comes before the body is over, even where `</head>` is missing.
    if (tag === 'body') while (this.#stack.length > 1 && this.#silent > 0) this.#pop();
  }

  #silentBelowHead(): boolean {
    return this.#silent === 0 || this.#stack.every(({ element: { tag } }) => tag === 'html' || tag === 'head');
  }

  /** What holds for the text of the element that begins. */
  #lookOf(tag: string): Open {
    const parent = this.#stack[this.#stack.length - 1]!;
    const attributes = this.#attributes;
    const { style } = attributes;
    const kinds = kindsOfHint(attributes === NO_ATTRIBUTES ? '' : hintOf(attributes));
    const isBlock = BLOCK.has(tag);
    const own = style === undefined ? undefined : appearanceOf(style);
    const ruled = this.#reading.sheets?.appearance(tag, kinds, parent.element);
    const appearance = ruled === undefined ? (own ?? PLAIN) : own === undefined ? ruled : { ...ruled, ...own };
    let hidden = parent.hidden;
    if (
      !hidden &&
      (appearance.hidden ?? (kinds.hidden || hiddenByAttributes(tag, attributes))) &&
      !this.#isSubstitute(tag)
    ) {
      hidden = !this.#reading.shown.has(this.#tagStart);
      if (hidden) this.#hiddenAt = this.#tagStart;
    }
    return {
      element: parent.element,
      kinds,
      hidden,
      // Blocks of no size hold blocks of some: a way to close up what stands in a row.
      sizeless: appearance.sizeless ?? (!isBlock && parent.sizeless),
      silent: this.#isSilent(tag, kinds),
      reversed: appearance.reversed ?? (tag === 'bdo' && attributes.dir?.toLowerCase() === 'rtl'),
      lines: style === undefined ? parent.lines : (keepsLines(style) ?? parent.lines),
      preformatted:
        PREFORMATTED.has(tag) ||
        (isBlock && style !== undefined && keepsLines(style) === true && isSetAsListing(style)),
      box: this.#preformatted > 0 && style !== undefined && BOX.test(style),
      listing: isBlock && (kinds.listing || (style !== undefined && isSetAsListing(style))),
      block: 0,
      start: 0,
      texts: 0,
    };
  }

  #isSubstitute(tag: string): boolean {
    return this.#reading.substitutes && SUBSTITUTES.has(tag);
  }

  #isSilent(tag: string, kinds: HintKinds): boolean {
    if (!SILENT.has(tag))
      return (kinds.drawnFormula && tag !== 'mjx-container') || this.#attributes['data-tex'] !== undefined;
    if (tag === 'template' && this.#attributes.shadowrootmode !== undefined) return false;
    return !this.#isSubstitute(tag);
  }

  #push(tag: string, look: Open): void {
    // A script is silent at any depth.
    const full = this.#stack.length >= DEEPEST || this.#elements.length >= MOST_ELEMENTS;
    if (full && !(look.silent && this.#silent === 0)) {
      this.#tooDeep++;
      return;
    }
    const parent = this.#stack[this.#stack.length - 1]!.element;
    const element: PageElement = {
      tag,
      parent,
      depth: parent.depth + 1,
      index: this.#elements.length,
      hint: look.kinds.hint,
      images: 0,
      inputs: 0,
    };
    this.#elements.push(element);
    look.element = element;
    if (this.#silent > 0 || look.hidden || look.silent) look.listing = false;
    else this.#begin(tag, look);
    look.block = this.#blocks.length;
    look.start = this.#text.length;
    look.texts = this.#texts;
    this.#stack.push(look);
    if (look.silent && this.#silent === 0) this.#beginSilent(tag);
    this.#count(tag, look.silent, look.preformatted, 1);
    if (look.listing) this.#listings++;
  }

  /** Tables and listings that begin. */
  #begin(tag: string, { kinds, box }: Open): void {
    if (tag === 'table') this.#beginTable();
    else if (tag === 'tr') this.#tables.at(-1)?.rows.push({ element: this.#elements.at(-1)!, cells: [] });
    else if (tag === 'td' || tag === 'th') this.#beginCell(tag);
    if (this.#preformatted > 0) {
      const { tag: before, hint: hintBefore, at } = this.#ended;
      const isNext = before === tag && hintBefore === kinds.hint && at === this.#text.length;
      if (box || (isNext && (tag === 'code' || LINE.test(kinds.hint)))) this.#breakLine();
      if (tag === 'code' || kinds.listing) this.#isCode = true;
    } else if (PREFORMATTED.has(tag)) this.#isCode = kinds.listing;
  }

  #beginTable(): void {
    const outer = this.#tables.at(-1);
    if (outer !== undefined) outer.nested = true;
    const { border = '', style = '' } = this.#attributes;
    const ruled = Number(border) > 0 || /border/i.test(style);
    this.#tables.push({ start: this.#blocks.length, rows: [], nested: false, forms: false, ruled });
  }

  #beginCell(tag: string): void {
    const table = this.#tables.at(-1);
    if (table === undefined) return;
    if (tag === 'th') table.ruled = true;
    const { rowspan, colspan } = this.#attributes;
    const at = this.#blocks.length;
    table.rows.at(-1)?.cells.push({ start: at, end: at, rows: spanOf(rowspan), columns: spanOf(colspan) });
  }

  #beginSilent(tag: string): void {
    this.#inSubstitute = SUBSTITUTES.has(tag);
    const tex = this.#attributes['data-tex'];
    if (tex !== undefined) this.#appendFormula(formula(decoded(tex)));
    else if (tag === 'math') this.#mathAt = this.#tagStart - 1;
    else if (tag === 'button') {
      this.#labelAt = this.#text.length;
      this.#label = '';
    }
  }

  #pop(): void {
    const open = this.#stack.pop()!;
    const { tag } = open.element;
    this.#count(tag, open.silent, open.preformatted, -1);
    if (open.listing) this.#listings--;
    if (this.#silent === 0 && !open.hidden && !open.silent) this.#finishText(open);
    if (tag === 'a') this.#inLink = false;
    if (tag === 'title') this.#inTitle = false;
  }

  /** What an element that was read does to its text when it ends. */
  #finishText(open: Open): void {
    const { element } = open;
    const { tag, hint } = element;
    const { length } = this.#text;
    if (open.texts === this.#texts && length > open.start && length < LONGEST_CHANGED) this.#changeText(open);
    if (open.preformatted && this.#preformatted === 0) this.#endPreformatted(element);
    else if (BLOCK.has(tag)) {
      this.#boundary(tag, element);
      if (open.listing && this.#preformatted === 0) joinListing(this.#blocks, open.block);
    }
    if (tag === 'table') this.#endTable();
    else if (tag === 'td' || tag === 'th') this.#endCell();
    if (this.#preformatted > 0) {
      if (open.box) this.#breakLine();
      this.#ended = { tag, hint, at: this.#text.length };
    }
  }

  /** Numbers of lines and buttons go, code in a sentence gets its marks, reversed letters are put right. */
  #changeText({ element: { tag }, kinds, start, reversed: isReversed }: Open): void {
    const inListing = this.#preformatted > 0 || this.#listings > 0;
    if (inListing && (kinds.lineNumber || kinds.tool || BLOCK.has(tag))) {
      const text = this.#text.slice(start);
      const isNumber = /^[\s\d.:]+$/.test(text) && (kinds.lineNumber || isNumberColumn(text));
      if (isNumber || isCopyLabel(text) || (kinds.tool && text.length <= LONGEST_TOOL && !text.includes('\n'))) {
        this.#text = this.#text.slice(0, start);
        this.#lineEnded = this.#text.endsWith('\n');
        if (isNumber && this.#preformatted > 0) this.#breakLine();
      }
    } else if (!inListing && (tag === 'code' || tag === 'samp')) this.#markCode(start, this.#text.slice(start));
    if (isReversed) this.#text = this.#text.slice(0, start) + reversed(this.#text.slice(start));
  }

  #markCode(start: number, text: string): void {
    const code = text.trim();
    if (this.#text.slice(0, start).trim() === '' && text.split('\n').length > 2 && looksLikeCode(text, true)) {
      this.#raw = true;
      this.#isCode = true;
    } else if (code !== '' && code.length <= LONGEST_CODE && !code.includes('`')) {
      const [before, after] = [text.slice(0, text.indexOf(code)), text.slice(text.indexOf(code) + code.length)];
      this.#text = `${this.#text.slice(0, start)}${before}\`${code}\`${after}`;
    }
  }

  #breakLine(): void {
    if (this.#text === '' || this.#lineEnded) return;
    this.#text += '\n';
    this.#lineEnded = true;
  }

  #endTable(): void {
    const table = this.#tables.pop();
    if (table !== undefined && this.#listings === 0) joinRows(this.#blocks, table);
  }

  #endCell(): void {
    const cell = this.#tables.at(-1)?.rows.at(-1)?.cells.at(-1);
    if (cell !== undefined) cell.end = this.#blocks.length;
  }

  /** Preformatted text ends; a column of numbers beside a listing is none of it. */
  #endPreformatted(element: PageElement): void {
    const isNumber = /^\s*\d+\s*$/.test(this.#text) && kindsOfHint(element.parent?.hint ?? '').lineNumber;
    if (isNumber || isNumberColumn(this.#text)) this.#text = '';
    this.#endBlock(false, element);
    this.#isCode = false;
  }

  #count(tag: string, silent: boolean, isPreformatted: boolean, by: 1 | -1): void {
    if (silent) this.#silent += by;
    else if (STRESSED.has(tag)) this.#stressed += by;
    if (isPreformatted) this.#preformatted += by;
  }

  #closeSiblings(tag: string): void {
    const [group, within] = SIBLINGS[tag]!;
    for (let i = this.#stack.length - 1; i > 0; i--) {
      const { element, silent } = this.#stack[i]!;
      if (within.has(element.tag) || (silent && !group.has(element.tag))) return;
      if (!group.has(element.tag)) continue;
      while (this.#stack.length > i) this.#pop();
      // `<tr>` may have to close a cell, then the row.
      if (tag !== 'tr' && tag[0] !== 't') return;
    }
  }

  /** A block ends an open `<p>`, also from inside inline elements. */
  #closeParagraph(): void {
    for (let i = this.#stack.length - 1; i > 0; i--) {
      const { element, silent } = this.#stack[i]!;
      if (silent) return;
      if (element.tag === 'p') {
        while (this.#stack.length > i) this.#pop();
        return;
      }
      if (BLOCK.has(element.tag)) return;
    }
  }

  #close(tag: string, place: number): void {
    if (tag === 'br') {
      this.#endBlock(true);
      return;
    }
    if (tag === 'html' || tag === 'body' || VOID.has(tag)) return;
    if (this.#tooDeep > 0 && !(this.#silent > 0 && this.#stack.at(-1)!.element.tag === tag)) {
      this.#tooDeep--;
      if (BLOCK.has(tag)) this.#boundary(tag);
      return;
    }
    const isBlock = BLOCK.has(tag);
    if (tag === 'a') this.#inLink = false;
    for (let i = this.#stack.length - 1; i > 0; i--) {
      const open = this.#stack[i]!.element.tag;
      if (open === tag) {
        if (tag === 'math' && this.#silent === 1)
          this.#appendFormula(mathml(this.#html.slice(this.#mathAt, place - 2)));
        while (this.#stack.length > i) this.#pop();
        return;
      }
      if (!isBlock && BLOCK.has(open)) break;
      if (CELLS.has(open) && !CELLS.has(tag) && tag[0] !== 't') break;
    }
    if (isBlock) this.#boundary(tag);
  }

  /** A block-level element begins or ends; inside preformatted text parts of a listing are lines of it. */
  #boundary(tag: string, owner?: PageElement): void {
    if (this.#preformatted === 0 || !LISTING_PARTS.has(tag)) this.#endBlock(false, owner);
    else if (this.#silent === 0) {
      this.#breakLine();
      this.#hasParts = true;
    }
  }

  #endBlock(broken: boolean, owner?: PageElement): void {
    if (this.#text === '') return;
    // What is silent or hidden breaks no line of what is read.
    if (this.#silent > 0 || this.#stack[this.#stack.length - 1]!.hidden) return;
    const element = owner ?? this.#blockElement();
    if (this.#raw) this.#writePreformatted(element, broken);
    else this.#write(this.#text, collapse(this.#text), element, broken);
    this.#text = '';
    this.#texts++;
    this.#linked = 0;
    this.#stressedLength = 0;
    this.#links = 0;
    this.#raw = false;
    this.#hasParts = false;
    this.#label = '';
  }

  /** A program is one block, and so is preformatted prose, unless elements part it into lines. */
  #writePreformatted(element: PageElement, broken: boolean): void {
    const listing = bareListing(this.#text);
    const code = looksLikeCode(listing, this.#isCode);
    if (code) this.#write(listing, listing, element, broken, { verbatim: true, code });
    else if (!this.#hasParts) this.#write(this.#text, preformatted(this.#text), element, broken, { verbatim: true });
    else for (const line of this.#text.split('\n')) this.#write(line, collapse(line), element, broken);
  }

  #write(source: string, text: string, element: PageElement, broken: boolean, form?: Partial<Block>): void {
    if (text === '' || this.#blocks.length > MOST_BLOCKS) return;
    const length = visibleLength(text);
    this.#blocks.push({
      text,
      source,
      linked: Math.min(this.#linked, length),
      stressed: Math.min(this.#stressedLength, length),
      element,
      indented: /^[\r\n\t ]*[\u3000\u00a0]{2}/.test(source),
      broken,
      verbatim: form?.verbatim ?? false,
      code: form?.code ?? false,
      links: this.#links,
    });
  }

  #blockElement(): PageElement {
    let i = this.#stack.length - 1;
    while (i > 0 && !BLOCK.has(this.#stack[i]!.element.tag)) i--;
    return this.#stack[i]!.element;
  }
}

function rootOf(element: PageElement): Open {
  const plain = { hidden: false, sizeless: false, silent: false, reversed: false, lines: false, preformatted: false };
  return { element, kinds: kindsOfHint(''), ...plain, box: false, listing: false, block: 0, start: 0, texts: 0 };
}

function hintOf(attributes: Attributes): string {
  let hint = '';
  for (const name of ['class', 'id', 'role', 'itemprop'] as const) {
    const value = attributes[name];
    if (value) hint += hint === '' ? value : ` ${value}`;
  }
  return hint.slice(0, LONGEST_HINT).toLowerCase();
}

function spanOf(value: string | undefined): number {
  return Math.min(100, Math.max(1, Number.parseInt(value ?? '1', 10) || 1));
}
