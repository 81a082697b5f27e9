/** Kept texts of the pages of DIR/web, in Simplified script, as stage `quality` meets them in a recipe. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { simplecc } from 'simplecc-wasm';

export interface GoldPage {
  readonly id: string;
  readonly text: string;
  /** The source of recipes/quality/labels.json that has pages of the same collection; none for the small ones. */
  readonly source: 'web-a' | 'web-b' | undefined;
}

const SOURCES: Readonly<Record<string, 'web-a' | 'web-b'>> = {
  'cx-extractor': 'web-a',
  generalnewse: 'web-a',
  'chinese-web': 'web-b',
  'magic-html': 'web-b',
};

export function goldPages(data: string): GoldPage[] {
  const folder = path.join(data, 'web');
  const { pages } = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as {
    pages: { id: string; gold: string }[];
  };
  return pages.map(({ id, gold }) => {
    const collection = Object.keys(SOURCES).find((name) => id.startsWith(name));
    return {
      id,
      text: simplecc(readFileSync(path.join(folder, gold), 'utf8'), 't2s'),
      source: collection === undefined ? undefined : SOURCES[collection],
    };
  });
}
