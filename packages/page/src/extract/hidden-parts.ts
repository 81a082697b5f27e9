/**
 * What a page hides from its readers: elements taken off the page by an attribute, by their own style or by a style sheet
 * that stands in the page. Style sheets of other files are not known; what a script shows later is not either.
 *
 * Of a style sheet those rules count that hide, and those that show again what such a rule hides: tags, classes and ids,
 * nested by blank or `>`. States, attributes and rules for some media only are left out.
 */

import type { Attributes } from './page-attributes.ts';
import { rawTexts } from './raw-text.ts';

/** What styles say of an element: hidden or shown, letters of no size or of some, letters in reversed order. */
export interface Appearance {
  hidden?: boolean;
  sizeless?: boolean;
  reversed?: boolean;
}

/** An element as selectors see it. */
interface Named {
  hint: string;
  names: readonly string[];
}
interface Styled {
  tag: string;
  hint: string;
  parent: Styled | undefined;
}

const GONE =
  /(?:^|[;\s{])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|text-indent\s*:\s*-\d{3,}|(?:left|top|right|margin-left|margin-top)\s*:\s*-(?:\d{4,}|\d{3,}r?em)|clip\s*:\s*rect\(\s*(?:0(?:px)?|1px)[\s,]|content-visibility\s*:\s*hidden)/i;
const SHOWN = /(?:^|[;\s{])(?:display\s*:\s*(?!none)[a-z]|visibility\s*:\s*visible)/i;
const SIZE = /(?:^|[;\s{])font-size\s*:\s*([\d.]+)\s*([a-z%]*)/i;
const EMPTY_BOX = /(?:^|[;\s{])(?:max-)?(?:height|width)\s*:\s*0(?:px)?\s*(?:;|!|$)/i;
const CUT = /overflow(?:-[xy])?\s*:\s*hidden/i;
const REVERSED = /bidi-override/i;
const TO_THE_LEFT = /direction\s*:\s*rtl/i;
/** What most style attributes lack: a look at it spares the rest. */
const TELLING = /none|hidden|collapse|font-size|indent|clip|-\d{3}|bidi-override|visib|display|\b0/i;

/** Letters up to this many pixels cannot be read. */
const SMALLEST = 1;

export function appearanceOf(style: string): Appearance | undefined {
  if (!TELLING.test(style)) return undefined;
  const appearance: Appearance = {};
  if (GONE.test(style) || (CUT.test(style) && EMPTY_BOX.test(style))) appearance.hidden = true;
  else if (SHOWN.test(style)) appearance.hidden = false;
  const size = SIZE.exec(style);
  if (size !== null) {
    const most = /^(?:|px|pt)$/i.test(size[2]!) ? SMALLEST : 0;
    appearance.sizeless = Number(size[1]) <= most;
  }
  if (REVERSED.test(style) && TO_THE_LEFT.test(style)) appearance.reversed = true;
  return appearance;
}

/** Class names of programs that write noise against copying into every post, and of frameworks for what is never shown. */
const HIDING_NAME = /(?:^| )(?:jammer|d-none|visually-hidden|sr-only|screen-reader-text)(?: |$)/;

export function namesHidden(hint: string): boolean {
  return HIDING_NAME.test(hint);
}

export function hiddenByAttributes(tag: string, attributes: Attributes): boolean {
  const { hidden } = attributes;
  if (hidden !== undefined && hidden.toLowerCase() !== 'until-found') return true;
  if (attributes['aria-hidden']?.toLowerCase() === 'true') return true;
  return tag === 'dialog' && attributes.open === undefined;
}

/** A tag, or a class or id as it is filed (`*a`) and as it stands amid others. */
interface Name {
  filed: string;
  isTag: boolean;
  bare: string;
  spaced: string;
}
/** A selector's last part decides; `above` are the parts that must be found among the ancestors, innermost first. */
interface Rule {
  part: Name[];
  above: { part: Name[]; child: boolean }[];
  weight: number;
  appearance: Appearance;
}

const LONGEST_SHEET = 400_000;
const MOST_RULES = 4_000;
/** Rules looked at for one element, and how far above it. */
const MOST_FITTING = 16;
const MOST_ANCESTORS = 40;
const NO_RULES: readonly Rule[] = [];

export class StyleSheets {
  readonly #rules: Rule[] = [];
  /** By the last name of the last part. */
  readonly #byName = new Map<string, Rule[]>();
  /** Rules whose last part fits, by names and tag. */
  readonly #known = new Map<Named, Map<string, readonly Rule[]>>();

  /** @returns undefined where no sheet of the page says anything of the kind */
  static of(html: string): StyleSheets | undefined {
    const sheets = new StyleSheets();
    for (const css of rawTexts(html, 'style')) if (css.length < LONGEST_SHEET) sheets.#read(css);
    sheets.#arrange();
    return sheets.#byName.size === 0 ? undefined : sheets;
  }

  /** Rules that show count only where they may undo one that hides. */
  #arrange(): void {
    const hides = ({ appearance }: Rule): boolean => Object.values(appearance).includes(true);
    const hiding = new Set(this.#rules.filter(hides).flatMap(({ part }) => part.map(({ filed }) => filed)));
    for (const rule of this.#rules) {
      if (!hides(rule) && !rule.part.some(({ filed }) => hiding.has(filed))) continue;
      const name = rule.part.at(-1)!.filed;
      const rules = this.#byName.get(name);
      if (rules === undefined) this.#byName.set(name, [rule]);
      else rules.push(rule);
    }
  }

  #read(css: string): void {
    if (!/none|hidden|font-size|bidi-override|-\d{3}|indent|clip/i.test(css)) return;
    const plain = withoutComments(css);
    for (let at = 0; at < plain.length && this.#rules.length < MOST_RULES; ) {
      const open = plain.indexOf('{', at);
      if (open < 0) return;
      const before = plain.slice(at, open);
      const selectors = before
        .slice(before.lastIndexOf(';') + 1)
        .replace(/^[}\s]+/, '')
        .trim();
      const end = endOfBlock(plain, open);
      const isForAll = selectors.startsWith('@') ? /^@media\s+(?:all|screen)\s*$/i.test(selectors) : undefined;
      if (isForAll) {
        at = open + 1;
        continue;
      }
      if (isForAll === undefined) this.#take(selectors, plain.slice(open + 1, end));
      at = end + 1;
    }
  }

  #take(selectors: string, declarations: string): void {
    const appearance = appearanceOf(declarations);
    if (appearance === undefined || Object.keys(appearance).length === 0) return;
    for (const selector of selectors.split(',')) {
      // `:`, `[`, `*`, `+`, `~`: states and places that are not followed.
      if (selector.length > 200 || /[^\w\s.#>\u0080-\uffff-]/.test(selector)) continue;
      const parts = selector
        .trim()
        .toLowerCase()
        .replace(/\s*>\s*/g, ' >')
        .split(/\s+/)
        .filter((part) => part !== '')
        .reverse();
      if (parts.length === 0) continue;
      const above = parts.slice(1).map((part, i) => ({ part: namesOf(part), child: parts[i]!.startsWith('>') }));
      const part = namesOf(parts[0]!);
      const weight =
        (selector.match(/#/g)?.length ?? 0) * 100 + (selector.match(/\./g)?.length ?? 0) * 10 + parts.length;
      this.#rules.push({ part, above, weight, appearance });
    }
  }

  /** @param named the element's class and id names; one object for the same names saves a search */
  appearance(tag: string, named: Named, parent: Styled | undefined): Appearance | undefined {
    let byTag = this.#known.get(named);
    if (byTag === undefined) {
      byTag = new Map();
      this.#known.set(named, byTag);
    }
    let rules = byTag.get(tag);
    if (rules === undefined) {
      rules = this.#fitting(tag, named);
      byTag.set(tag, rules);
    }
    if (rules.length === 0) return undefined;
    let found: Appearance | undefined;
    for (const { above, appearance } of rules)
      if (standsBelow(above, parent)) found = found === undefined ? appearance : { ...found, ...appearance };
    return found;
  }

  /** Weaker rules first. */
  #fitting(tag: string, { hint, names }: Named): readonly Rule[] {
    let found: Rule[] | undefined = this.#byName.get(tag)?.slice();
    for (const name of names) {
      const rules = this.#byName.get(name);
      if (rules !== undefined) found = found === undefined ? rules.slice() : found.concat(rules);
    }
    if (found === undefined) return NO_RULES;
    const element = { tag, hint, parent: undefined };
    return found
      .filter(({ part }) => isPart(element, part))
      .sort((a, b) => a.weight - b.weight)
      .slice(-MOST_FITTING);
  }
}

function withoutComments(css: string): string {
  let plain = '';
  for (let at = 0; ; ) {
    const open = css.indexOf('/*', at);
    plain += css.slice(at, open < 0 ? css.length : open);
    const end = open < 0 ? -1 : css.indexOf('*/', open + 2);
    if (end < 0) return plain.replaceAll('<!--', ' ').replaceAll('-->', ' ');
    at = end + 2;
  }
}

/** The bracket that closes the one at `open`, or the end. */
function endOfBlock(css: string, open: number): number {
  let depth = 0;
  for (let i = open; i < css.length; i++) {
    const code = css.charCodeAt(i);
    if (code === 0x7b) depth++;
    else if (code === 0x7d && --depth === 0) return i;
  }
  return css.length;
}

/** `div.a#b` → `div`, `*a`, `*b`: classes and ids stand together in an element's hint, and which a name is, is not asked. */
function namesOf(part: string): Name[] {
  const names = part.replace(/^>/, '').replaceAll(/[.#]/g, ' *').trim().split(' ');
  return names.map((filed) => {
    const bare = filed.slice(1);
    return { filed, isTag: filed[0] !== '*', bare, spaced: ` ${bare} ` };
  });
}

/** The names of an element as rules are filed by them. */
export function filedNames(hint: string): string[] {
  return hint.split(' ').map((name) => `*${name}`);
}

function has({ tag, hint }: Styled, { filed, isTag, bare, spaced }: Name): boolean {
  if (isTag) return tag === filed;
  return hint.length >= bare.length && hint.includes(bare) && ` ${hint} `.includes(spaced);
}

function standsBelow(above: Rule['above'], parent: Styled | undefined): boolean {
  let at = parent;
  let steps = 0;
  for (const { part, child } of above) {
    while (!child && at !== undefined && !isPart(at, part) && steps++ < MOST_ANCESTORS) at = at.parent;
    if (at === undefined || !isPart(at, part)) return false;
    at = at.parent;
  }
  return true;
}

function isPart(element: Styled, part: readonly Name[]): boolean {
  for (const name of part) if (!has(element, name)) return false;
  return true;
}
