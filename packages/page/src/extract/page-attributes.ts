/** The attributes of elements that reading a page needs; the others are passed over without a look at their value. */
import { KnownNames } from './known-names.ts';

export type Attributes = Record<string, string>;

export const NO_ATTRIBUTES: Attributes = {};

const WANTED = new KnownNames(
  (
    'class id role itemprop style hidden aria-hidden open href name property content datetime type src alt eeimg data-tex ' +
    'dir rowspan colspan border shadowrootmode srcdoc'
  ).split(' '),
);

/** The name that stands at a place, '' where it is none that is wanted. */
export function attributeName(html: string, start: number, end: number): string {
  return WANTED.at(html, start, end) ?? '';
}

/** class, id, role and itemprop as they stand, one space between them. */
export function hintOf(attributes: Attributes): string {
  const { class: names, id, role, itemprop } = attributes;
  if (id === undefined && role === undefined && itemprop === undefined) return names ?? '';
  return [names, id, role, itemprop].filter((value) => value !== undefined && value !== '').join(' ');
}
