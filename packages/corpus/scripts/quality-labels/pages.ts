/** The pages of ../shared/data/web: the text that a person would keep, and what is left of a page without it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

interface Entry {
  readonly id: string;
  readonly path: string;
  readonly gold: string;
  readonly encoding: string;
  /** Whether the kept text is known to be all of it. */
  readonly reliable: boolean;
}

/** @param collections beginnings of the ids of the pages to take */
function entries(folder: string, collections: readonly string[]): Entry[] {
  const { pages } = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as { pages: Entry[] };
  return pages.filter(({ id }) => collections.some((name) => id.startsWith(name)));
}

export function goldPages(folder: string, collections: readonly string[]): string[] {
  return entries(folder, collections).map(({ gold }) => readFileSync(path.join(folder, gold), 'utf8'));
}

/** A longer line may be of an article, though the kept text lacks it. */
const LONGEST_LABEL = 30;

/** Short lines of the pages that are not in their kept text: navigation, recommendations, footers. */
export function restOfPages(folder: string, collections: readonly string[]): string[] {
  return entries(folder, collections)
    .filter(({ reliable }) => reliable)
    .map(({ path: html, gold, encoding }) => {
      const kept = squeezed(readFileSync(path.join(folder, gold), 'utf8'));
      const page = new TextDecoder(encoding).decode(readFileSync(path.join(folder, html)));
      const lines = textLines(page).filter((line) => line.length <= LONGEST_LABEL && !kept.includes(squeezed(line)));
      return lines.join('\n');
    })
    .filter((text) => text.length >= 100);
}

function textLines(html: string): string[] {
  return html
    .replace(/<(script|style|noscript|textarea)\b[\s\S]*?<\/\1>|<!--[\s\S]*?-->/gi, '')
    .replace(/<\/?(p|div|br|li|tr|td|h\d|ul|ol|dl|dd|dt|table|section|title|option)\b[^>]*>/gi, '\n')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&nbsp;|&#160;/g, ' ')
    .replace(/&(\w+|#\d+);/g, '')
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .filter((line) => /\p{Script=Han}/u.test(line));
}

function squeezed(text: string): string {
  return text.replace(/[^\p{L}\p{N}]/gu, '');
}

/** All lines of pages that are lists of links, whose encoding nothing states. */
export function listPages(files: readonly string[]): string[] {
  return files.map((file) => {
    const bytes = readFileSync(file);
    const utf8 = new TextDecoder('utf-8').decode(bytes);
    return textLines(utf8.includes('\uFFFD') ? new TextDecoder('gb18030').decode(bytes) : utf8).join('\n');
  });
}
