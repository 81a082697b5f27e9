/**
 * Reads a page in one pass over the tokens of htmlparser2.
 *
 * Broken markup is read as browsers do in essence: a stray end tag closes nothing outside its table cell, an inline end
 * tag closes no block, a paragraph ends where a block begins, elements deeper than 512 hang at that depth. Unknown tags
 * are inline; what is hidden or silent breaks no line.
 */
import { Tokenizer } from 'htmlparser2';
import { decoded } from './block-text.ts';
import { BlockWriter, MOST_BLOCKS } from './block-writer.ts';
import { joinCodeLines, joinListing } from './code-listings.ts';
import { OpenTables } from './data-tables.ts';
import { formula, imageFormula, mathml } from './formulas.ts';
import { kindsOfHint } from './hint-kinds.ts';
import { leftByBlock, leftByEndTag, leftBySibling } from './implied-ends.ts';
import { beginning, type OpenElement, openRoot, type Reading } from './open-element.ts';
import { type Attributes, attributeName, hintOf, NO_ATTRIBUTES } from './page-attributes.ts';
import { PageHead } from './page-head.ts';
import type { PageElement, PageTree } from './page-tree.ts';
import { type TagKind, tagKind, tagName } from './tag-kinds.ts';
import { UnreadText } from './unread-text.ts';

const DEEPEST = 512;
const MOST_ELEMENTS = 400_000;
/** Pages in `srcdoc` and the like, one in another. */
const MOST_PAGES_INSIDE = 3;

export class PageReader {
  readonly #elements: PageElement[] = [];
  readonly #writer = new BlockWriter();
  readonly #head = new PageHead();
  readonly #unread = new UnreadText();

  #html: string;
  readonly #reading: Reading;
  readonly #root: PageElement;
  /** Open elements; those deeper than DEEPEST are counted only. */
  readonly #stack: OpenElement[];
  readonly #tables = new OpenTables();
  #tooDeep = 0;
  #silent = 0;
  #pagesInside = 0;
  /** How many elements were open where the page inside began. */
  #insideFrom = 0;

  #tag = '';
  #tagStart = 0;
  #attribute = '';
  #attributes: Attributes = NO_ATTRIBUTES;

  #mathAt = 0;

  constructor(html: string, reading: Reading) {
    this.#html = html;
    this.#reading = reading;
    this.#root = { tag: 'html', parent: undefined, depth: 0, index: 0, hint: '', images: 0, inputs: 0 };
    this.#elements.push(this.#root);
    this.#stack = [openRoot(this.#root)];
  }

  read(): PageTree {
    this.#tokenize();
    this.#popTo(1);
    this.#endBlock(false);
    const blocks = joinCodeLines(this.#writer.blocks);
    const { title, meta, time } = this.#head;
    return { elements: this.#elements, blocks, title, meta, time, unread: this.#unread.marks };
  }

  /** Places of hidden elements that a script must show. */
  wronglyHidden(): number[] {
    return this.#unread.wronglyHidden(this.#writer.blocks, this.#reading.substitutes);
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
    this.#popTo(open);
    this.#insideFrom = outer.inside;
    this.#pagesInside--;
    this.#html = outer.html;
    this.#tag = outer.tag;
    this.#attributes = outer.attributes;
  }

  onopentagname(start: number, end: number): void {
    this.#tag = tagName(this.#html, start, end);
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
    this.#close(tagName(this.#html, start, end), start);
  }

  ontext(start: number, end: number): void {
    if (this.#writer.blocks.length > MOST_BLOCKS) return;
    if (this.#head.inTitle) {
      this.#head.appendTitle(this.#html, start, end);
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
    if (top.hidden) this.#unread.countHidden(text);
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
  #hearSilent({ element: { tag } }: OpenElement, start: number, end: number): void {
    this.#unread.countSilent(this.#html, start, end);
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
    if (tag === 'title' && !this.#head.hasTitle && this.#silentBelowHead()) this.#head.inTitle = true;
    if (tag === 'time') this.#head.time ??= this.#attributes.datetime;
    if (kind.block) this.#popTo(leftByBlock(this.#stack));
    if (kind.siblings !== undefined) this.#popTo(leftBySibling(this.#stack, tag, kind.siblings));
    const parent = this.#stack[this.#stack.length - 1]!;
    const isShown = this.#reading.shown.has(this.#tagStart);
    const inPreformatted = this.#writer.preformatted > 0;
    const look = beginning(tag, kind, this.#attributes, parent, this.#reading, isShown, inPreformatted);
    if (look.hidden && !parent.hidden) this.#unread.beginHidden(this.#tagStart);
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
    } else if (tag === 'meta') this.#head.takeMeta(this.#attributes);
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

  #push(tag: string, look: OpenElement): void {
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
  #begin(tag: string, { kinds, kind, box }: OpenElement): void {
    const writer = this.#writer;
    if (tag === 'table') this.#tables.begin(this.#attributes, writer.blocks.length);
    else if (tag === 'tr') this.#tables.beginRow(this.#elements.at(-1)!);
    else if (tag === 'td' || tag === 'th') this.#tables.beginCell(this.#attributes, tag === 'th', writer.blocks.length);
    if (writer.preformatted > 0) writer.beginInline(tag, kinds, box);
    else if (kind.preformatted) writer.isCode = kinds.listing;
  }

  #beginSilent(tag: string, { substitute }: TagKind): void {
    this.#unread.beginSilent(substitute);
    const tex = this.#attributes['data-tex'];
    if (tex !== undefined) this.#writer.appendFormula(formula(decoded(tex)));
    else if (tag === 'math') this.#mathAt = this.#tagStart - 1;
    else if (tag === 'button') this.#writer.beginLabel(tagKind(this.#blockElement().tag).sentence);
  }

  #popTo(length: number): void {
    while (this.#stack.length > length) this.#pop();
  }

  #pop(): void {
    const open = this.#stack.pop()!;
    const { tag } = open.element;
    this.#count(open, -1);
    if (this.#silent === 0 && !open.hidden && !open.silent) this.#finishText(open);
    if (tag === 'a') this.#writer.inLink = false;
    if (tag === 'title') this.#head.inTitle = false;
  }

  /** What an element that was read does to its text when it ends. */
  #finishText(open: OpenElement): void {
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

  #count({ kind, silent, preformatted, listing }: OpenElement, by: 1 | -1): void {
    if (silent) this.#silent += by;
    else if (kind.stressed) this.#writer.stressed += by;
    if (preformatted) this.#writer.preformatted += by;
    if (listing) this.#writer.listings += by;
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
    const left = leftByEndTag(this.#stack, tag, kind);
    if (left < this.#stack.length) {
      if (tag === 'math' && this.#silent === 1)
        this.#writer.appendFormula(mathml(this.#html.slice(this.#mathAt, place - 2)));
      this.#popTo(left);
      return;
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
