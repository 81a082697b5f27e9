/**
 * A page of HTML → its elements and its text blocks.
 *
 * A block is the text between two block-level boundaries or line breaks: what a reader sees as one line or paragraph. A
 * listing of code and a row of a table of data are one block each. What the page hides is not read, unless it hides most
 * of its sentences: then a script shows them. Nothing here decides what is main text.
 */
import { StyleSheets } from './hidden-parts.ts';
import { PageReader } from './page-reader.ts';
import type { PageTree } from './page-tree.ts';

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
