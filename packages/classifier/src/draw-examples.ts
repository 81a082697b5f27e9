/**
 * What a training step sees: labels equally often, inside a label every source by the fourth root of its size, and of a document a
 * window of random length. Short documents are joined with others of their source as often as not. So neither the length of a text
 * nor the size of a collection says anything about its label.
 */
import type { Example } from './example.ts';

const SHORTEST_WINDOW = 24;
/** UTF-16 units of the longest window; enough for a page's style, short enough for many steps. */
const LONGEST_WINDOW = 1200;

/** The documents of one source that have one label. */
interface Drawer {
  readonly texts: readonly string[];
  readonly label: number;
}

export class ExampleDrawer {
  readonly #labels: { readonly drawers: readonly Drawer[]; readonly cumulative: readonly number[] }[];
  readonly #random: () => number;

  constructor(examples: readonly Example[], labels: readonly string[], random: () => number) {
    this.#random = random;
    this.#labels = labels.map((label, index) => {
      const bySource = Map.groupBy(
        examples.filter((example) => example.label === label),
        (example) => example.source ?? '',
      );
      const drawers = Array.from(bySource.values(), (own) => ({ label: index, texts: own.map(({ text }) => text) }));
      let sum = 0;
      const cumulative = drawers.map(({ texts }) => {
        sum += texts.length ** 0.25;
        return sum;
      });
      return { drawers, cumulative };
    });
  }

  /** A document as it is. */
  drawWhole(): { text: string; label: number } {
    const { texts, label } = this.#collection();
    return { text: texts[this.#below(texts.length)]!, label };
  }

  #collection(): Drawer {
    const { drawers, cumulative } = this.#labels[this.#below(this.#labels.length)]!;
    const at = this.#random() * cumulative.at(-1)!;
    return drawers[cumulative.findIndex((bound) => at < bound)]!;
  }

  draw(): { text: string; label: number } {
    const { texts, label } = this.#collection();
    // Log-uniform: as many windows of 24-48 characters as of 600-1 200.
    const length = SHORTEST_WINDOW * (LONGEST_WINDOW / SHORTEST_WINDOW) ** this.#random();
    let text = texts[this.#below(texts.length)]!;
    if (this.#random() < 0.5) {
      while (text.length < length && texts.length > 1) text += `\n${texts[this.#below(texts.length)]!}`;
    }
    const start = this.#below(Math.max(1, text.length - length));
    return { text: text.slice(start, start + Math.ceil(length)), label };
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}
