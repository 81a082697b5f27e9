/**
 * Reads a page in one pass over the tokens of htmlparser2.
 *
 * Broken markup is read as browsers do in essence: a stray end tag closes nothing outside its table cell, an inline end
 * tag closes no block, a paragraph ends where a block begins, elements deeper than 512 hang at that depth. Unknown tags
 * are inline; what is hidden or silent breaks no line.
 */
import { Tokenizer } from 'htmlparser2';
import { decoded, marksIn } from './block-text.ts';
import { BlockWriter } from './block-writer.ts';
import { isSetAsListing, joinCodeLines, joinListing, keepsLines } from './code-listings.ts';
import { OpenTables } from './data-tables.ts';
import { formula, imageFormula, mathml } from './formulas.ts';
import { type Appearance, appearanceOf, hiddenByAttributes, type StyleSheets } from './hidden-parts.ts';
import { type HintKinds, kindsOfHint } from './hint-kinds.ts';
import { type Attributes, attributeName, hintOf, NO_ATTRIBUTES } from './page-attributes.ts';
import { MOST_BLOCKS, type PageElement, type PageTree } from './page-tree.ts';
import { type TagKind, tagKind } from './tag-kinds.ts';

const DEEPEST = 512;
const MOST_ELEMENTS = 400_000;
/** Pages in `srcdoc` and the like, one in another. */
const MOST_PAGES_INSIDE = 3;
const BOX = /display\s*:\s*(?:block|flex|grid|table-row)/i;
/** Fewer marks of punctuation are no page that a script shows. */
const LEAST_HIDDEN = 4;
const PLAIN: Appearance = {};

/** An open element, and what holds for the text in it. */
type Open = {
  element: PageElement;
  kind: TagKind;
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
  readonly #writer = new BlockWriter();
  readonly #meta = new Map<string, string>();
  #title = '';
  #time: string | undefined;

  #html: string;
  readonly #reading: Reading;
  readonly #root: PageElement;
  /** Open elements; those deeper than DEEPEST are counted only. */
  readonly #stack: Open[];
  readonly #tables = new OpenTables();
  #tooDeep = 0;
  #silent = 0;
  #pagesInside = 0;
  /** How many elements were open where the page inside began. */
  #insideFrom = 0;
  #inTitle = false;

  #tag = '';
  #tagStart = 0;
  #attribute = '';
  #attributes: Attributes = NO_ATTRIBUTES;

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
    const blocks = joinCodeLines(this.#writer.blocks);
    const title = this.#title.replace(/\s+/g, ' ').trim();
    const unread = [...this.#hiddenMarks.values()].reduce((sum, n) => sum + n, this.#substituteMarks);
    return { elements: this.#elements, blocks, title, meta: this.#meta, time: this.#time, unread };
  }

  /** Places of hidden elements with so many sentences that a script must show them; none where the page shows more. */
  wronglyHidden(): number[] {
    const marks = [...this.#hiddenMarks.values()];
    const hidden = marks.reduce((sum, n) => sum + n, 0);
    if (hidden < LEAST_HIDDEN) return [];
    const seen = this.#writer.blocks.reduce(
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
    const name = attributeName(this.#html, start, end);
    this.#attribute = name;
    if (name === '') return;
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
    if (this.#writer.blocks.length > MOST_BLOCKS) return;
    this.#open(false);
  }

  onselfclosingtag(): void {
    this.#open(true);
  }

  onclosetag(start: number, end: number): void {
    this.#close(this.#html.slice(start, end).toLowerCase(), start);
  }

  ontext(start: number, end: number): void {
    if (this.#writer.blocks.length > MOST_BLOCKS) return;
    if (this.#inTitle) {
      if (this.#title.length < 2_000) this.#title += decoded(this.#html.slice(start, Math.min(end, start + 2_000)));
      return;
    }
    const top = this.#stack[this.#stack.length - 1]!;
    if (this.#silent > 0) {
      this.#hearSilent(top, start, end);
      return;
    }
    if (top.kind.raw && this.#stack.length !== this.#insideFrom) {
      this.#readSubstitute(decoded(this.#html.slice(start, end)));
      return;
    }
    const text = decoded(this.#html.slice(start, end));
    if (top.hidden) this.#hiddenMarks.set(this.#hiddenAt, (this.#hiddenMarks.get(this.#hiddenAt) ?? 0) + marksIn(text));
    else if (top.lines && this.#writer.preformatted === 0) this.#appendLines(text);
    else if (!top.sizeless) this.#writer.append(text);
  }

  ontextentity(): void {}
  oncdata(): void {}
  oncomment(): void {}
  ondeclaration(): void {}
  onprocessinginstruction(): void {}
  onend(): void {}

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
      this.#writer.append(line);
    });
  }

  /** Formulas in scripts and the labels of buttons. */
  #hearSilent({ element: { tag } }: Open, start: number, end: number): void {
    if (this.#inSubstitute) this.#substituteMarks += marksIn(this.#html.slice(start, end));
    if (tag === 'script' && this.#silent === 1) {
      if (this.#attributes.type?.startsWith('math/') !== true) return;
      const source = this.#html.slice(start, end);
      const display = /mode\s*=\s*display/.test(this.#attributes.type);
      this.#writer.appendFormula(
        this.#attributes.type.startsWith('math/mml') ? mathml(source) : formula(source, display),
      );
    } else if (tag === 'button' && this.#silent === 1) this.#writer.appendLabel(decoded(this.#html.slice(start, end)));
  }

  #open(selfClosed: boolean): void {
    const tag = this.#tag;
    const kind = tagKind(tag);
    if (kind.void) {
      this.#openVoid(tag);
      return;
    }
    if (tag === 'html' || tag === 'body') {
      this.#mergeRoot(tag);
      if (tag === 'html') return;
    }
    if (tag === 'title' && this.#title === '' && this.#silentBelowHead()) this.#inTitle = true;
    if (tag === 'time') this.#time ??= this.#attributes.datetime;
    if (kind.block) this.#closeParagraph();
    if (kind.siblings !== undefined) this.#closeSiblings(tag, kind.siblings);
    const look = this.#lookOf(tag, kind);
    if (kind.block && !look.hidden && !look.silent) this.#boundary(kind);
    if (tag === 'a') {
      this.#writer.inLink = this.#attributes.href !== undefined;
      if (this.#writer.inLink && this.#silent === 0 && !look.hidden) this.#writer.links++;
    }
    if (tag === 'iframe' && this.#attributes.srcdoc && this.#silent === 0 && !look.hidden) {
      this.#endBlock(false);
      this.#readInside(decoded(this.#attributes.srcdoc));
      this.#endBlock(false);
    }
    if (selfClosed && tag !== 'a' && (!kind.block || tag.includes(':'))) return;
    this.#push(tag, look);
  }

  #openVoid(tag: string): void {
    const top = this.#stack[this.#stack.length - 1]!;
    if (tag === 'br') {
      if (this.#writer.preformatted > 0 && this.#silent === 0 && !top.hidden) this.#writer.append('\n');
      else this.#endBlock(true);
    } else if (tag === 'hr') this.#endBlock(false);
    else if (tag === 'img') {
      top.element.images++;
      if (this.#attributes.alt && this.#silent === 0) this.#writer.appendFormula(imageFormula(this.#attributes));
    } else if (tag === 'input') {
      top.element.inputs++;
      this.#tables.holdsField();
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
    if (this.#root.hint === '' && tag === 'html') this.#root.hint = kindsOfHint(hintOf(this.#attributes)).hint;
    // What comes before the body is over, even where `</head>` is missing.
    if (tag === 'body') while (this.#stack.length > 1 && this.#silent > 0) this.#pop();
  }

  #silentBelowHead(): boolean {
    return this.#silent === 0 || this.#stack.every(({ element: { tag } }) => tag === 'html' || tag === 'head');
  }

  /** What holds for the text of the element that begins. */
  #lookOf(tag: string, kind: TagKind): Open {
    const parent = this.#stack[this.#stack.length - 1]!;
    const attributes = this.#attributes;
    const { style } = attributes;
    const kinds = kindsOfHint(attributes === NO_ATTRIBUTES ? '' : hintOf(attributes));
    const own = style === undefined ? undefined : appearanceOf(style);
    const ruled = this.#reading.sheets?.appearance(tag, kinds, parent.element);
    const appearance = ruled === undefined ? (own ?? PLAIN) : own === undefined ? ruled : { ...ruled, ...own };
    let hidden = parent.hidden;
    if (
      !hidden &&
      (appearance.hidden ?? (kinds.hidden || hiddenByAttributes(tag, attributes))) &&
      !this.#isSubstitute(kind)
    ) {
      hidden = !this.#reading.shown.has(this.#tagStart);
      if (hidden) this.#hiddenAt = this.#tagStart;
    }
    return {
      element: parent.element,
      kind,
      kinds,
      hidden,
      // Blocks of no size hold blocks of some: a way to close up what stands in a row.
      sizeless: appearance.sizeless ?? (!kind.block && parent.sizeless),
      silent: this.#isSilent(tag, kind, kinds),
      reversed: appearance.reversed ?? (tag === 'bdo' && attributes.dir?.toLowerCase() === 'rtl'),
      lines: style === undefined ? parent.lines : (keepsLines(style) ?? parent.lines),
      preformatted:
        kind.preformatted || (kind.block && style !== undefined && keepsLines(style) === true && isSetAsListing(style)),
      box: this.#writer.preformatted > 0 && style !== undefined && BOX.test(style),
      listing: kind.block && (kinds.listing || (style !== undefined && isSetAsListing(style))),
      block: 0,
      start: 0,
      texts: 0,
    };
  }

  #isSubstitute({ substitute }: TagKind): boolean {
    return substitute && this.#reading.substitutes;
  }

  #isSilent(tag: string, kind: TagKind, kinds: HintKinds): boolean {
    if (!kind.silent)
      return (kinds.drawnFormula && tag !== 'mjx-container') || this.#attributes['data-tex'] !== undefined;
    if (tag === 'template' && this.#attributes.shadowrootmode !== undefined) return false;
    return !this.#isSubstitute(kind);
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
    look.block = this.#writer.blocks.length;
    look.start = this.#writer.length;
    look.texts = this.#writer.texts;
    if (look.silent && this.#silent === 0) this.#beginSilent(tag, look.kind);
    this.#stack.push(look);
    this.#count(look, 1);
  }

  /** Tables and listings that begin. */
  #begin(tag: string, { kinds, kind, box }: Open): void {
    const writer = this.#writer;
    if (tag === 'table') this.#tables.begin(this.#attributes, writer.blocks.length);
    else if (tag === 'tr') this.#tables.beginRow(this.#elements.at(-1)!);
    else if (tag === 'td' || tag === 'th') this.#tables.beginCell(this.#attributes, tag === 'th', writer.blocks.length);
    if (writer.preformatted > 0) writer.beginInline(tag, kinds, box);
    else if (kind.preformatted) writer.isCode = kinds.listing;
  }

  #beginSilent(tag: string, { substitute }: TagKind): void {
    this.#inSubstitute = substitute;
    const tex = this.#attributes['data-tex'];
    if (tex !== undefined) this.#writer.appendFormula(formula(decoded(tex)));
    else if (tag === 'math') this.#mathAt = this.#tagStart - 1;
    else if (tag === 'button') this.#writer.beginLabel(tagKind(this.#blockElement().tag).sentence);
  }

  #pop(): void {
    const open = this.#stack.pop()!;
    const { tag } = open.element;
    this.#count(open, -1);
    if (this.#silent === 0 && !open.hidden && !open.silent) this.#finishText(open);
    if (tag === 'a') this.#writer.inLink = false;
    if (tag === 'title') this.#inTitle = false;
  }

  /** What an element that was read does to its text when it ends. */
  #finishText(open: Open): void {
    const { element, kind } = open;
    const { tag } = element;
    const writer = this.#writer;
    writer.change(tag, kind.block, open);
    if (open.preformatted && writer.preformatted === 0) this.#endPreformatted(element);
    else if (kind.block) {
      this.#boundary(kind, element);
      if (open.listing && writer.preformatted === 0) joinListing(writer.blocks, open.block);
    }
    if (tag === 'table') this.#tables.end(writer.blocks, writer.listings > 0);
    else if (tag === 'td' || tag === 'th') this.#tables.endCell(writer.blocks.length);
    if (writer.preformatted > 0) writer.endInline(tag, element.hint, open.box);
  }

  #endPreformatted(element: PageElement): void {
    this.#writer.dropNumbers(kindsOfHint(element.parent?.hint ?? '').lineNumber);
    this.#endBlock(false, element);
    this.#writer.isCode = false;
  }

  #count({ kind, silent, preformatted, listing }: Open, by: 1 | -1): void {
    if (silent) this.#silent += by;
    else if (kind.stressed) this.#writer.stressed += by;
    if (preformatted) this.#writer.preformatted += by;
    if (listing) this.#writer.listings += by;
  }

  #closeSiblings(tag: string, [group, within]: NonNullable<TagKind['siblings']>): void {
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
      const { element, kind, silent } = this.#stack[i]!;
      if (silent) return;
      if (element.tag === 'p') {
        while (this.#stack.length > i) this.#pop();
        return;
      }
      if (kind.block) return;
    }
  }

  #close(tag: string, place: number): void {
    if (tag === 'br') {
      this.#endBlock(true);
      return;
    }
    const kind = tagKind(tag);
    if (tag === 'html' || tag === 'body' || kind.void) return;
    if (this.#tooDeep > 0 && !(this.#silent > 0 && this.#stack.at(-1)!.element.tag === tag)) {
      this.#tooDeep--;
      if (kind.block) this.#boundary(kind);
      return;
    }
    if (tag === 'a') this.#writer.inLink = false;
    for (let i = this.#stack.length - 1; i > 0; i--) {
      const open = this.#stack[i]!;
      if (open.element.tag === tag) {
        if (tag === 'math' && this.#silent === 1)
          this.#writer.appendFormula(mathml(this.#html.slice(this.#mathAt, place - 2)));
        while (this.#stack.length > i) this.#pop();
        return;
      }
      if (!kind.block && open.kind.block) break;
      if (open.kind.cell && !kind.cell && tag[0] !== 't') break;
    }
    if (kind.block) this.#boundary(kind);
  }

  /** A block-level element begins or ends; inside preformatted text parts of a listing are lines of it. */
  #boundary({ listingPart }: TagKind, owner?: PageElement): void {
    if (this.#writer.preformatted === 0 || !listingPart) this.#endBlock(false, owner);
    else if (this.#silent === 0) this.#writer.breakPart();
  }

  #endBlock(broken: boolean, owner?: PageElement): void {
    // What is silent or hidden breaks no line of what is read.
    if (this.#writer.length === 0 || this.#silent > 0 || this.#stack[this.#stack.length - 1]!.hidden) return;
    this.#writer.end(owner ?? this.#blockElement(), broken);
  }

  #blockElement(): PageElement {
    let i = this.#stack.length - 1;
    while (i > 0 && !this.#stack[i]!.kind.block) i--;
    return this.#stack[i]!.element;
  }
}

function rootOf(element: PageElement): Open {
  const plain = { hidden: false, sizeless: false, silent: false, reversed: false, lines: false, preformatted: false };
  const place = { block: 0, start: 0, texts: 0 };
  return { element, kind: tagKind('html'), kinds: kindsOfHint(''), ...plain, box: false, listing: false, ...place };
}
