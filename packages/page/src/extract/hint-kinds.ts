/** What the class and id names of an element say of how its text is to be read; found once for each name. */
import { namesLineNumber, namesListing, namesTool } from './code-listings.ts';
import { drawsFormula } from './formulas.ts';
import { filedNames, namesHidden } from './hidden-parts.ts';

export interface HintKinds {
  hint: string;
  /** For style sheets. */
  names: readonly string[];
  hidden: boolean;
  drawnFormula: boolean;
  listing: boolean;
  lineNumber: boolean;
  tool: boolean;
}

const NONE: HintKinds = {
  hint: '',
  names: [],
  hidden: false,
  drawnFormula: false,
  listing: false,
  lineNumber: false,
  tool: false,
};
const LONGEST_HINT = 160;
const known = new Map<string, HintKinds>();

/** @param names class, id, role and itemprop as they stand */
export function kindsOfHint(names: string): HintKinds {
  if (names === '') return NONE;
  let kinds = known.get(names);
  if (kinds === undefined) {
    // A piece of a string keeps the whole alive, here the page: what outlives it is a copy.
    const copy = Buffer.from(names).toString();
    const hint = copy.slice(0, LONGEST_HINT).toLowerCase();
    kinds = {
      hint,
      names: filedNames(hint),
      hidden: namesHidden(hint),
      drawnFormula: drawsFormula(hint),
      listing: namesListing(hint),
      lineNumber: namesLineNumber(hint),
      tool: namesTool(hint),
    };
    // Names repeat within a page and a site; memory stays bounded over a crawl.
    if (known.size >= 5_000) known.clear();
    known.set(copy, kinds);
  }
  return kinds;
}
