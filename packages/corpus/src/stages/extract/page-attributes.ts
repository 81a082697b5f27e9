/** The attributes of elements that reading a page needs; the others are passed over without a look at their value. */

export type Attributes = Record<string, string>;

export const NO_ATTRIBUTES: Attributes = {};

const WANTED: ReadonlySet<string> = new Set(
  (
    'class id role itemprop style hidden aria-hidden open href name property content datetime type src alt eeimg data-tex ' +
    'dir rowspan colspan border shadowrootmode srcdoc'
  ).split(' '),
);
/** First letter and length of them, so that most others are passed over without a look at the name. */
const SHAPES = new Uint8Array(32 * 32);
for (const name of WANTED) SHAPES[shapeOf(name.charCodeAt(0), name.length)] = 1;

function shapeOf(first: number, length: number): number {
  return ((first & 31) << 5) | Math.min(length, 31);
}

/** The name that stands at a place, '' where it is none that is wanted. */
export function attributeName(html: string, start: number, end: number): string {
  if (SHAPES[shapeOf(html.charCodeAt(start), end - start)] === 0) return '';
  const name = html.slice(start, end).toLowerCase();
  return WANTED.has(name) ? name : '';
}

/** class, id, role and itemprop as they stand, one space between them. */
export function hintOf(attributes: Attributes): string {
  const { class: names, id, role, itemprop } = attributes;
  if (id === undefined && role === undefined && itemprop === undefined) return names ?? '';
  return [names, id, role, itemprop].filter((value) => value !== undefined && value !== '').join(' ');
}
