/**
 * A page of HTML → its elements and its text blocks, in one pass over the tokens of htmlparser2.
 *
 * A block is the text between two block-level boundaries or line breaks: what a reader sees as one line or paragraph.
 * Broken markup is read as browsers do in essence: a stray end tag closes nothing outside its table cell, an inline end
 * tag closes no block, a paragraph ends where a block begins, elements deeper than 512 hang at that depth. Nothing here
 * decides what is main text.
 */
import { decodeHTML } from 'entities';
import { Tokenizer } from 'htmlparser2';
import { CELLS, INLINE, SIBLINGS, SILENT, STRESSED, VOID } from './tag-kinds.ts';

export type PageElement = {
  tag: string;
  parent: PageElement | undefined;
  depth: number;
  /** Number in document order. */
  index: number;
  /** class, id, role and itemprop, lower case, one space between them. */
  hint: string;
  /** Hidden by its own attributes or an ancestor's. */
  hidden: boolean;
  /** Elements below that hold no text but count: images, inputs. */
  images: number;
  inputs: number;
};

export type Block = {
  text: string;
  /** Characters of `text` inside links. */
  linked: number;
  /** Characters of `text` inside b, strong, em, font. */
  stressed: number;
  /** The nearest block-level element. */
  element: PageElement;
  /** The text begins with the two full-width spaces (or no-break spaces) of a Chinese paragraph. */
  indented: boolean;
  /** Ended by `<br>` rather than by a block boundary. */
  broken: boolean;
  /** From `<pre>`: line ends are kept. */
  verbatim: boolean;
  /** Links that begin in it. */
  links: number;
};

export type PageTree = {
  elements: PageElement[];
  blocks: Block[];
  /** Text of `<title>`. */
  title: string;
  /** `<meta name|property|itemprop=… content=…>`, names in lower case; the first of a name counts. */
  meta: Map<string, string>;
  /** The first `<time datetime=…>`. */
  time: string | undefined;
};

const DEEPEST = 512;
/** A page of more is no page that a person wrote; what comes after is not read, so that memory stays bounded. */
export const MOST_BLOCKS = 60_000;
const MOST_ELEMENTS = 400_000;
const LONGEST_HINT = 160;

const HIDING = /display\s*:\s*none|visibility\s*:\s*hidden/i;

export function readPage(html: string): PageTree {
  const reader = new PageReader(html);
  // Entities are decoded a text at a time: the tokenizer then runs from one `<` to the next.
  const tokenizer = new Tokenizer({ decodeEntities: false }, reader);
  tokenizer.write(html);
  tokenizer.end();
  return reader.finish();
}

class PageReader {
  readonly elements: PageElement[] = [];
  readonly blocks: Block[] = [];
  readonly meta = new Map<string, string>();
  title = '';
  time: string | undefined;

  readonly #html: string;
  readonly #root: PageElement;
  /** Open elements; those deeper than DEEPEST are counted only. */
  readonly #stack: PageElement[];
  #tooDeep = 0;
  #silent = 0;
  #stressed = 0;
  #preformatted = 0;
  #inLink = false;
  #inTitle = false;

  #tag = '';
  #attribute = '';
  #attributes: Record<string, string> = {};
  #value = '';

  #text = '';
  #linked = 0;
  #stressedLength = 0;
  #links = 0;
  #raw = false;

  constructor(html: string) {
    this.#html = html;
    this.#root = {
      tag: 'html',
      parent: undefined,
      depth: 0,
      index: 0,
      hint: '',
      hidden: false,
      images: 0,
      inputs: 0,
    };
    this.elements.push(this.#root);
    this.#stack = [this.#root];
  }

  finish(): PageTree {
    this.#endBlock(false);
    const { elements, blocks, meta, time } = this;
    return { elements, blocks, title: this.title.replace(/\s+/g, ' ').trim(), meta, time };
  }

  onopentagname(start: number, end: number): void {
    this.#tag = this.#html.slice(start, end).toLowerCase();
    this.#attributes = {};
  }

  onattribname(start: number, end: number): void {
    this.#attribute = end - start > 24 ? '' : this.#html.slice(start, end).toLowerCase();
    this.#value = '';
  }

  onattribdata(start: number, end: number): void {
    // A data: address or a script of a megabyte in an attribute is of no use here.
    this.#value = this.#html.slice(start, Math.min(end, start + 2048));
  }

  onattribentity(): void {}

  onattribend(): void {
    if (this.#attribute in WANTED && !(this.#attribute in this.#attributes)) {
      this.#attributes[this.#attribute] = this.#value;
    }
  }

  onopentagend(): void {
    this.#open(false);
  }

  onselfclosingtag(): void {
    this.#open(true);
  }

  onclosetag(start: number, end: number): void {
    this.#close(this.#html.slice(start, end).toLowerCase());
  }

  ontext(start: number, end: number): void {
    if (this.#inTitle) {
      if (this.title.length < 2_000) this.title += decoded(this.#html.slice(start, Math.min(end, start + 2_000)));
      return;
    }
    if (this.#silent > 0) return;
    this.#append(decoded(this.#html.slice(start, end)));
  }

  ontextentity(): void {}
  oncdata(): void {}
  oncomment(): void {}
  ondeclaration(): void {}
  onprocessinginstruction(): void {}
  onend(): void {}

  #append(text: string): void {
    if (text === '') return;
    const length = visibleLength(text);
    if (this.#preformatted > 0) this.#raw = true;
    this.#text += text;
    if (this.#inLink) this.#linked += length;
    if (this.#stressed > 0) this.#stressedLength += length;
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
    if (tag === 'title' && this.title === '' && this.#silentBelowHead()) this.#inTitle = true;
    if (tag === 'time') this.time ??= this.#attributes.datetime;
    const inline = INLINE.has(tag);
    if (!inline) {
      this.#closeImplied(tag);
      this.#endBlock(false);
    }
    if (tag === 'a') {
      this.#inLink = this.#attributes.href !== undefined;
      if (this.#inLink && this.#silent === 0) this.#links++;
    }
    if (selfClosed && tag !== 'a' && (inline || tag.includes(':'))) return;
    this.#push(tag);
  }

  #openVoid(tag: string): void {
    const top = this.#stack[this.#stack.length - 1]!;
    if (tag === 'br') {
      if (this.#preformatted > 0) this.#append('\n');
      else this.#endBlock(true);
    } else if (tag === 'hr') this.#endBlock(false);
    else if (tag === 'img') top.images++;
    else if (tag === 'input') top.inputs++;
    else if (tag === 'meta') this.#takeMeta();
  }

  #takeMeta(): void {
    const { name, property, itemprop, content } = this.#attributes;
    const key = (name ?? property ?? itemprop)?.toLowerCase();
    if (key === undefined || content === undefined || this.meta.size >= 200 || this.meta.has(key)) return;
    this.meta.set(key, decoded(content).trim());
  }

  /** A second `<body>` or `<html>` only adds its attributes. */
  #mergeRoot(tag: string): void {
    if (this.#root.hint === '' && tag === 'html') this.#root.hint = hintOf(this.#attributes);
    // What comes before the body is over, even where `</head>` is missing.
    if (tag === 'body') while (this.#stack.length > 1 && this.#silent > 0) this.#pop();
  }

  #silentBelowHead(): boolean {
    return this.#silent === 0 || this.#stack.every(({ tag }) => tag === 'html' || tag === 'head');
  }

  #push(tag: string): void {
    // A script is silent at any depth.
    const full = this.#stack.length >= DEEPEST || this.elements.length >= MOST_ELEMENTS;
    if (full && !(SILENT.has(tag) && this.#silent === 0)) {
      this.#tooDeep++;
      return;
    }
    const parent = this.#stack[this.#stack.length - 1]!;
    const { style, hidden } = this.#attributes;
    const element: PageElement = {
      tag,
      parent,
      depth: parent.depth + 1,
      index: this.elements.length,
      hint: hintOf(this.#attributes),
      hidden: parent.hidden || hidden !== undefined || (style !== undefined && HIDING.test(style)),
      images: 0,
      inputs: 0,
    };
    this.elements.push(element);
    this.#stack.push(element);
    this.#count(tag, 1);
  }

  #pop(): void {
    const element = this.#stack.pop()!;
    if (!INLINE.has(element.tag)) this.#endBlock(false, element);
    if (element.tag === 'a') this.#inLink = false;
    if (element.tag === 'title') this.#inTitle = false;
    this.#count(element.tag, -1);
  }

  #count(tag: string, by: 1 | -1): void {
    if (SILENT.has(tag)) this.#silent += by;
    else if (STRESSED.has(tag)) this.#stressed += by;
    else if (tag === 'pre' || tag === 'listing' || tag === 'xmp') this.#preformatted += by;
  }

  #closeImplied(tag: string): void {
    const top = this.#stack[this.#stack.length - 1]!;
    if (top.tag === 'p') this.#pop();
    else this.#closeParagraph();
    const siblings = SIBLINGS[tag];
    if (siblings === undefined) return;
    const [group, within] = siblings;
    for (let i = this.#stack.length - 1; i > 0; i--) {
      const open = this.#stack[i]!.tag;
      if (within.has(open)) return;
      if (!group.has(open)) continue;
      while (this.#stack.length > i) this.#pop();
      // `<tr>` may have to close a cell, then the row.
      if (tag !== 'tr' && tag[0] !== 't') return;
    }
  }

  /** A block inside inline elements of an open `<p>` ends the paragraph. */
  #closeParagraph(): void {
    for (let i = this.#stack.length - 1; i > 0; i--) {
      const open = this.#stack[i]!.tag;
      if (open === 'p') {
        while (this.#stack.length > i) this.#pop();
        return;
      }
      if (!INLINE.has(open)) return;
    }
  }

  #close(tag: string): void {
    if (tag === 'br') {
      this.#endBlock(true);
      return;
    }
    if (tag === 'html' || tag === 'body' || VOID.has(tag)) return;
    if (this.#tooDeep > 0 && !(this.#silent > 0 && this.#stack.at(-1)!.tag === tag)) {
      this.#tooDeep--;
      if (!INLINE.has(tag)) this.#endBlock(false);
      return;
    }
    const inline = INLINE.has(tag);
    if (tag === 'a') this.#inLink = false;
    for (let i = this.#stack.length - 1; i > 0; i--) {
      const open = this.#stack[i]!.tag;
      if (open === tag) {
        while (this.#stack.length > i) this.#pop();
        return;
      }
      if (inline && !INLINE.has(open)) break;
      if (CELLS.has(open) && !CELLS.has(tag) && tag[0] !== 't') break;
    }
    if (!inline) this.#endBlock(false);
  }

  #endBlock(broken: boolean, owner?: PageElement): void {
    const raw = this.#raw;
    const source = this.#text;
    if (source === '') return;
    const text = raw ? source.replace(/[^\S\n]+$/gm, '').replace(/^\n+|\s+$/g, '') : collapse(source);
    if (text !== '' && this.blocks.length <= MOST_BLOCKS) {
      const length = visibleLength(text);
      this.blocks.push({
        text,
        linked: Math.min(this.#linked, length),
        stressed: Math.min(this.#stressedLength, length),
        element: owner ?? this.#blockElement(),
        indented: /^[\r\n\t ]*[\u3000\u00a0]{2}/.test(source),
        broken,
        verbatim: raw,
        links: this.#links,
      });
    }
    this.#text = '';
    this.#linked = 0;
    this.#stressedLength = 0;
    this.#links = 0;
    this.#raw = false;
  }

  #blockElement(): PageElement {
    let i = this.#stack.length - 1;
    while (i > 0 && INLINE.has(this.#stack[i]!.tag)) i--;
    return this.#stack[i]!;
  }
}

/** Attributes that are looked at. */
const WANTED: Record<string, true> = Object.fromEntries(
  'class id role itemprop style hidden href name property content datetime'.split(' ').map((name) => [name, true]),
);

function hintOf(attributes: Record<string, string>): string {
  let hint = '';
  for (const name of ['class', 'id', 'role', 'itemprop'] as const) {
    const value = attributes[name];
    if (value) hint += hint === '' ? value : ` ${value}`;
  }
  return hint.slice(0, LONGEST_HINT).toLowerCase();
}

function decoded(text: string): string {
  return text.includes('&') ? decodeHTML(text) : text;
}

const HAN_BREAK = /([\u2e80-\u9fff\uff00-\uffef])[^\S\n]*\n\s*(?=[\u2e80-\u9fff\uff00-\uffef])/g;

/** White space as a browser shows it; a line end of the source between two Chinese characters is no space. */
function collapse(text: string): string {
  const joined = text.includes('\n') ? text.trim().replace(HAN_BREAK, '$1') : text;
  return joined.replace(/[\s\u200b\ufeff]+/g, ' ').trim();
}

/** Characters that are no white space. */
export function visibleLength(text: string): number {
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x20 && code !== 0xa0 && code !== 0x3000) n++;
  }
  return n;
}
