/** Source type `html`: saved pages. The charset is found later, by stage `decode`. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SourceItem } from './source-item.ts';

/** No page of text is larger; what is, is passed over and counted. */
const MAX_PAGE_BYTES = 32 * 2 ** 20;

export const HTML_FILE = /\.(html?|xhtml|shtml)$/i;

/** The pages of one unit; ids are the paths inside the source. */
export async function* readHtmlFiles(
  source: string,
  unit: { path: string; name: string; members: string[] },
): AsyncGenerator<SourceItem> {
  for (const member of unit.members) {
    const path = join(unit.path, member);
    const id = member === '' ? unit.name : `${unit.name}/${member}`;
    const { size } = await stat(path);
    if (size > MAX_PAGE_BYTES) yield { damaged: 'page-too-large', id };
    else yield { id, source, title: '', body: '', meta: {}, page: { bytes: await readFile(path) } };
  }
}
