import { STAGE_WORDS } from '../stages/stages.ts';

/** What the fields of a document's `meta` mean, for the card. A field of the source's own is shown by its name alone. */
export const META_FIELDS: Readonly<Record<string, string>> = {
  ...Object.fromEntries([...STAGE_WORDS.values()].flatMap(({ meta = {} }) => Object.entries(meta))),
  author: '作者 author, as the source names it',
  collection: '所属的集 collection of the recipe',
  dynasty: '朝代 dynasty',
  fetched: '抓取时间 when the page was fetched',
  url: '网址 address of the page',
};
