/**
 * Kinds of HTML tags, as far as reading blocks of text needs them. Tags that no list names are inline, as in HTML.
 */
import { KnownNames } from './known-names.ts';

const words = (list: string): ReadonlySet<string> => new Set(list.split(' '));

const VOID = words('area base basefont bgsound br col embed frame hr img input link meta param source track wbr');
const BLOCK = words(
  'address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure footer ' +
    'form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li listing main marquee menu nav ol p plaintext pre ' +
    'search section summary table tbody td tfoot th thead title tr ul xmp',
);
/** Their text is no text of the page. None of them breaks the line that it stands in. */
const SILENT = words(
  'script style noscript template iframe svg math select button textarea object audio video canvas noembed noframes ' +
    'datalist head rp rt rtc',
);
/** Silent only because a script, a style or a frame is expected in their place; read where a page shows nothing else. */
const SUBSTITUTES = words('noscript template textarea noembed noframes');
const CELLS = words('td th caption table');
const STRESSED = words('b strong em font u i');
/** Line ends in them are line ends. */
const PREFORMATTED = words('pre listing xmp plaintext');
/** Parts of a listing: inside preformatted text each begins a line and ends none of it. */
const LISTING_PARTS = words('div li ol ul table tbody thead tr td th');

/** An element that ends when one of the same group opens, up to the container that may nest it. */
const SIBLINGS: Record<string, [group: ReadonlySet<string>, within: ReadonlySet<string>]> = {
  li: [words('li'), words('ul ol menu dir table')],
  dt: [words('dt dd'), words('dl table')],
  dd: [words('dt dd'), words('dl table')],
  tr: [words('tr td th'), words('table tbody thead tfoot')],
  td: [words('td th'), words('tr table')],
  th: [words('td th'), words('tr table')],
  tbody: [words('tbody thead tfoot tr td th'), words('table')],
  thead: [words('tbody thead tfoot tr td th'), words('table')],
  tfoot: [words('tbody thead tfoot tr td th'), words('table')],
  rb: [words('rb rt rp rtc'), words('ruby')],
  rt: [words('rb rt rp'), words('ruby rtc')],
  rp: [words('rb rt rp'), words('ruby rtc')],
  rtc: [words('rb rt rp rtc'), words('ruby')],
};

/** Substitutes whose content comes as one text. */
const RAW = words('textarea noembed noframes');
/** Elements with sentences in which a button may be named. */
const SENTENCES = words('p li dd td blockquote');

export interface TagKind {
  void: boolean;
  block: boolean;
  silent: boolean;
  substitute: boolean;
  raw: boolean;
  cell: boolean;
  stressed: boolean;
  preformatted: boolean;
  listingPart: boolean;
  sentence: boolean;
  siblings: [group: ReadonlySet<string>, within: ReadonlySet<string>] | undefined;
}

function kindOf(tag: string): TagKind {
  return {
    void: VOID.has(tag),
    block: BLOCK.has(tag),
    silent: SILENT.has(tag),
    substitute: SUBSTITUTES.has(tag),
    raw: RAW.has(tag),
    cell: CELLS.has(tag),
    stressed: STRESSED.has(tag),
    preformatted: PREFORMATTED.has(tag),
    listingPart: LISTING_PARTS.has(tag),
    sentence: SENTENCES.has(tag),
    siblings: SIBLINGS[tag],
  };
}

const UNKNOWN = kindOf('');
const LISTS = [VOID, BLOCK, SILENT, SUBSTITUTES, CELLS, STRESSED, PREFORMATTED, LISTING_PARTS, SENTENCES];
const KINDS = new Map(
  [...LISTS.flatMap((list) => [...list]), ...Object.keys(SIBLINGS)].map((tag) => [tag, kindOf(tag)]),
);

/** Tags that need no kind of their own, but stand in most pages. */
const INLINE = words('a span cite code label small sup sub time del ins abbr mark picture path g use samp kbd var');
const NAMES = new KnownNames([...KINDS.keys(), ...INLINE]);

/** The name of the tag that stands at a place, in lower case. */
export function tagName(html: string, start: number, end: number): string {
  return NAMES.at(html, start, end) ?? html.slice(start, end).toLowerCase();
}

/** All that is known of a tag, found with one look. */
export function tagKind(tag: string): TagKind {
  return KINDS.get(tag) ?? UNKNOWN;
}
