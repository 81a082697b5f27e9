/** Formulas of Office (OMML, ECMA-376 part 1, 22.1) as TeX between dollar signs, as stage `extract` gives those of pages. */
import type { Attributes } from './xml-events.ts';

const OPENS: Readonly<Record<string, string>> = {
  oMath: '$',
  f: '\\frac',
  num: '{',
  den: '{',
  sup: '^{',
  sub: '_{',
  rad: '\\sqrt',
};
const CLOSES: Readonly<Record<string, string>> = { oMath: '$', num: '}', den: '}', sup: '}', sub: '}' };

/** What an element of a formula writes where it begins; `parent` is the element that it is in. */
export function formulaOpens(name: string, attributes: Attributes, parent: string | undefined): string {
  if (name === 'chr' && parent === 'naryPr') return attributes.val ?? '';
  if (name === 'deg') return '[';
  if (name === 'e' && parent === 'rad') return '{';
  if (name === 'd') return '(';
  if (name === 'mr') return ' ';
  return OPENS[name] ?? '';
}

export function formulaCloses(name: string, parent: string | undefined): string {
  if (name === 'deg') return ']';
  if (name === 'e' && parent === 'rad') return '}';
  if (name === 'd') return ')';
  return CLOSES[name] ?? '';
}

/** Without degrees and bounds that were left empty. */
export function tidyFormula(text: string): string {
  return text.replaceAll('\\sqrt[]', '\\sqrt').replaceAll(/[\^_]\{\}/g, '');
}
