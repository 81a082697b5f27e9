/** Kinds of HTML tags, as far as reading blocks of text needs them. Tags that no list names are block elements. */

const words = (list: string): ReadonlySet<string> => new Set(list.split(' '));

export const VOID = words(
  'area base basefont bgsound br col embed frame hr img input link meta param source track wbr',
);
export const INLINE = words(
  'a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rp rt ruby s samp small span ' +
    'strike strong sub sup time tt u var wbr img input picture source map area o:p st1:chsdate',
);
/** Their text is no text of the page. */
export const SILENT = words(
  'script style noscript template iframe svg math select button textarea object audio video canvas noembed noframes ' +
    'datalist head rp rt',
);
export const CELLS = words('td th caption table');
export const STRESSED = words('b strong em font u i');

/** An element that ends when one of the same group opens, up to the container that may nest it. */
export const SIBLINGS: Record<string, [group: ReadonlySet<string>, within: ReadonlySet<string>]> = {
  li: [words('li'), words('ul ol menu dir table')],
  dt: [words('dt dd'), words('dl table')],
  dd: [words('dt dd'), words('dl table')],
  tr: [words('tr td th'), words('table tbody thead tfoot')],
  td: [words('td th'), words('tr table')],
  th: [words('td th'), words('tr table')],
  tbody: [words('tbody thead tfoot tr td th'), words('table')],
  thead: [words('tbody thead tfoot tr td th'), words('table')],
  tfoot: [words('tbody thead tfoot tr td th'), words('table')],
};
