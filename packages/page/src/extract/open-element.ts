/** An element that is open, and what its tag, its names, its attributes and style sheets say of the text in it. */
import { isSetAsListing, keepsLines } from './code-listings.ts';
import { type Appearance, appearanceOf, hiddenByAttributes, type StyleSheets } from './hidden-parts.ts';
import { type HintKinds, kindsOfHint } from './hint-kinds.ts';
import { type Attributes, hintOf, NO_ATTRIBUTES } from './page-attributes.ts';
import type { PageElement } from './page-tree.ts';
import { type TagKind, tagKind } from './tag-kinds.ts';

const BOX = /display\s*:\s*(?:block|flex|grid|table-row)/i;
const PLAIN: Appearance = {};

export interface OpenElement {
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
}

/** How a page is read. */
export interface Reading {
  sheets: StyleSheets | undefined;
  /** Places of elements that hide most of the page: they are shown. */
  shown: ReadonlySet<number>;
  substitutes: boolean;
}

/**
 * The element that begins; its place among elements and texts is still its parent's.
 * @param isShown the element is read even where it is hidden
 * @param inPreformatted the text around it is preformatted
 */
export function beginning(
  tag: string,
  kind: TagKind,
  attributes: Attributes,
  parent: OpenElement,
  { sheets, substitutes }: Reading,
  isShown: boolean,
  inPreformatted: boolean,
): OpenElement {
  const { style } = attributes;
  const kinds = kindsOfHint(attributes === NO_ATTRIBUTES ? '' : hintOf(attributes));
  const own = style === undefined ? undefined : appearanceOf(style);
  const ruled = sheets?.appearance(tag, kinds, parent.element);
  const appearance = ruled === undefined ? (own ?? PLAIN) : own === undefined ? ruled : { ...ruled, ...own };
  const isSubstitute = kind.substitute && substitutes;
  const hides = (): boolean => appearance.hidden ?? (kinds.hidden || hiddenByAttributes(tag, attributes));
  return {
    element: parent.element,
    kind,
    kinds,
    hidden: parent.hidden || (!isShown && !isSubstitute && hides()),
    // Blocks of no size hold blocks of some: a way to close up what stands in a row.
    sizeless: appearance.sizeless ?? (!kind.block && parent.sizeless),
    silent: isSilent(tag, kind, kinds, attributes, isSubstitute),
    reversed: appearance.reversed ?? (tag === 'bdo' && attributes.dir?.toLowerCase() === 'rtl'),
    lines: style === undefined ? parent.lines : (keepsLines(style) ?? parent.lines),
    preformatted:
      kind.preformatted || (kind.block && style !== undefined && keepsLines(style) === true && isSetAsListing(style)),
    box: inPreformatted && style !== undefined && BOX.test(style),
    listing: kind.block && (kinds.listing || (style !== undefined && isSetAsListing(style))),
    block: 0,
    start: 0,
    texts: 0,
  };
}

function isSilent(
  tag: string,
  kind: TagKind,
  kinds: HintKinds,
  attributes: Attributes,
  isSubstitute: boolean,
): boolean {
  if (!kind.silent) return (kinds.drawnFormula && tag !== 'mjx-container') || attributes['data-tex'] !== undefined;
  if (tag === 'template' && attributes.shadowrootmode !== undefined) return false;
  return !isSubstitute;
}

/** The root, in which all else stands. */
export function openRoot(element: PageElement): OpenElement {
  const plain = { hidden: false, sizeless: false, silent: false, reversed: false, lines: false, preformatted: false };
  const place = { block: 0, start: 0, texts: 0 };
  return { element, kind: tagKind('html'), kinds: kindsOfHint(''), ...plain, box: false, listing: false, ...place };
}
