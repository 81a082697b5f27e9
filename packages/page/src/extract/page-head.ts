/** What a page says of itself beside its text: title, `<meta>`, the first time. */
import { decoded } from './block-text.ts';
import type { Attributes } from './page-attributes.ts';

const LONGEST_TITLE = 2_000;
const MOST_META = 200;

export class PageHead {
  readonly meta = new Map<string, string>();
  time: string | undefined;
  /** The title is open: text belongs to it. */
  inTitle = false;
  #title = '';

  get title(): string {
    return this.#title.replace(/\s+/g, ' ').trim();
  }

  get hasTitle(): boolean {
    return this.#title !== '';
  }

  appendTitle(html: string, start: number, end: number): void {
    if (this.#title.length < LONGEST_TITLE)
      this.#title += decoded(html.slice(start, Math.min(end, start + LONGEST_TITLE)));
  }

  takeMeta({ name, property, itemprop, content }: Attributes): void {
    const key = (name ?? property ?? itemprop)?.toLowerCase();
    if (key === undefined || content === undefined || this.meta.size >= MOST_META || this.meta.has(key)) return;
    this.meta.set(key, decoded(content).trim());
  }
}
