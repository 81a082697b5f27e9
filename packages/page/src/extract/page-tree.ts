/**
 * A page of HTML → its elements and its text blocks.
 *
 * A block is the text between two block-level boundaries or line breaks: what a reader sees as one line or paragraph. A
 * listing of code and a row of a table of data are one block each. What the page hides is not read, unless it hides most
 * of its sentences: then a script shows them. Nothing here decides what is main text.
 */

import { StyleSheets } from './hidden-parts.ts';
import { PageReader } from './page-reader.ts';

export type PageElement = {
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
};

export type Block = {
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
  /** Marks of punctuation in what is hidden, and in what stands there for readers without scripts. */
  unread: number;
};

/** Hidden in hidden: more rounds than this find nothing new. */
const MOST_ROUNDS = 3;

/**
 * @param substitutes read what stands in `<noscript>`, `<template>`, `<textarea>` and the like, and sentences that are
 * hidden, as text of the page
 */
export function readPage(html: string, substitutes = false): PageTree {
  const sheets = StyleSheets.of(html);
  const shown = new Set<number>();
  for (let round = 1; ; round++) {
    const reader = new PageReader(html, { sheets, shown, substitutes });
    const tree = reader.read();
    const wrongly = round < MOST_ROUNDS ? reader.wronglyHidden() : [];
    if (wrongly.length === 0) return tree;
    for (const place of wrongly) shown.add(place);
  }
}
