/** How much of a page is not read: marks of punctuation in what is hidden and in what stands for readers without scripts. */
import { marksIn } from './block-text.ts';
import type { Block } from './page-tree.ts';

/** Fewer marks of punctuation are no page that a script shows. */
const LEAST_HIDDEN = 4;

export class UnreadText {
  /** By the place of the outermost hidden element. */
  readonly #hidden = new Map<number, number>();
  #hiddenAt = 0;
  #inSubstitute = false;
  #substitutes = 0;

  /** What begins at a place is hidden, and nothing around it. */
  beginHidden(place: number): void {
    this.#hiddenAt = place;
  }

  countHidden(text: string): void {
    this.#hidden.set(this.#hiddenAt, (this.#hidden.get(this.#hiddenAt) ?? 0) + marksIn(text));
  }

  /** @param isSubstitute the silent text stands in place of something else */
  beginSilent(isSubstitute: boolean): void {
    this.#inSubstitute = isSubstitute;
  }

  countSilent(html: string, start: number, end: number): void {
    if (this.#inSubstitute) this.#substitutes += marksIn(html.slice(start, end));
  }

  get marks(): number {
    return this.#hiddenMarks + this.#substitutes;
  }

  get #hiddenMarks(): number {
    return [...this.#hidden.values()].reduce((sum, n) => sum + n, 0);
  }

  /**
   * Places of hidden elements with so many sentences that a script must show them; none where the page shows more.
   * @param isLooking hidden text is looked for even then
   */
  wronglyHidden(blocks: readonly Block[], isLooking: boolean): number[] {
    const hidden = this.#hiddenMarks;
    if (hidden < LEAST_HIDDEN) return [];
    const seen = blocks.reduce((sum, { text, linked }) => sum + (linked * 3 < text.length ? marksIn(text) : 0), 0);
    if (hidden <= seen && !isLooking) return [];
    const least = Math.max(3, Math.max(...this.#hidden.values()) / 5);
    return [...this.#hidden].filter(([, n]) => n >= least).map(([place]) => place);
  }
}
