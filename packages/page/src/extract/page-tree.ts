/** What a page is once it is read: its elements and its text blocks. */

export interface PageElement {
  tag: string;
  parent: PageElement | undefined;
  depth: number;
  /** Number in document order. */
  index: number;
  /** class, id, role and itemprop, lower case, one space between them. */
  hint: string;
  /** Elements below that hold no text but count: images, inputs. */
  images: number;
  inputs: number;
}

export interface Block {
  text: string;
  /** The text with the white space of the source. */
  source: string;
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
  /** Preformatted: line ends are kept. */
  verbatim: boolean;
  /** A listing of a program; `verbatim` too. */
  code: boolean;
  /** Links that begin in it. */
  links: number;
}

export interface PageTree {
  elements: PageElement[];
  blocks: Block[];
  /** Text of `<title>`. */
  title: string;
  /** `<meta name|property|itemprop=… content=…>`, names in lower case; the first of a name counts. */
  meta: Map<string, string>;
  /** The first `<time datetime=…>`. */
  time: string | undefined;
  /** Marks of punctuation in what is hidden, and in what stands there for readers without scripts. */
  unread: number;
}
