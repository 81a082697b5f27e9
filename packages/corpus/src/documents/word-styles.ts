/** What the styles and lists of a Word document mean for its text: which paragraphs are headings, and how lists are numbered. */
import { type ListLevel, ListNumbers } from './list-numbers.ts';
import { isOn, readXml } from './xml-events.ts';
import type { ZipParts } from './zip-parts.ts';

/** What a paragraph or its style says of itself. */
export interface ParagraphForm {
  /** Of the outline, from 1; 0 is text. */
  level?: number;
  list?: string;
  depth?: number;
}

type Style = ParagraphForm & { name: string; base?: string };

export class WordStyles {
  readonly #styles: ReadonlyMap<string, Style>;

  private constructor(styles: Map<string, Style>) {
    this.#styles = styles;
  }

  static async read(zip: ZipParts, part: string): Promise<WordStyles> {
    const styles = new Map<string, Style>();
    let style: Style = { name: '' };
    await readXml(zip, part, {
      open(name, attributes, path) {
        const { val = '' } = attributes;
        if (name === 'style') {
          style = { name: '' };
          styles.set(attributes.styleId ?? '', style);
        } else if (!path.includes('style')) return;
        else if (name === 'name') style.name = val.toLowerCase();
        else if (name === 'basedOn') style.base = val;
        else readForm(style, name, val);
      },
    });
    return new WordStyles(styles);
  }

  /** Of the style, and of those that it is based on where it says nothing. */
  formOf(id: string | undefined): ParagraphForm {
    const form: ParagraphForm = {};
    let at = id;
    for (let steps = 0; at !== undefined && steps < 20; steps++) {
      const style: Style | undefined = this.#styles.get(at);
      if (style === undefined) break;
      const named = /^heading (\d)/.exec(style.name)?.[1] ?? (style.name === 'title' ? '1' : undefined);
      const level = style.level ?? (named === undefined ? undefined : Number(named));
      if (level !== undefined) form.level ??= level;
      if (style.list !== undefined) form.list ??= style.list;
      if (style.depth !== undefined) form.depth ??= style.depth;
      at = style.base;
    }
    return form;
  }

  /** Lines of a table of contents repeat the headings with the numbers of pages. */
  isOfContents(id: string | undefined): boolean {
    return id !== undefined && /^(toc \d|table of figures)/.test(this.#styles.get(id)?.name ?? '');
  }
}

/** Takes what an element inside `pPr` says. */
export function readForm(form: ParagraphForm, name: string, val: string): void {
  if (name === 'outlineLvl') form.level = Number(val) < 9 ? Number(val) + 1 : 0;
  else if (name === 'numId') form.list = val;
  else if (name === 'ilvl') form.depth = Number(val);
}

/** numbering.xml: abstract lists with levels, and lists that are made of them. */
export async function readNumbering(zip: ZipParts, part: string): Promise<ListNumbers> {
  const abstract = new Map<string, Map<number, ListLevel>>();
  const levels = new Map<string, Map<number, ListLevel>>();
  const kinds = new Map<string, string>();
  let own = new Map<number, ListLevel>();
  let level: ListLevel | undefined;
  let list = '';
  let overridden = 0;
  await readXml(zip, part, {
    open(name, attributes) {
      const { val = '' } = attributes;
      if (name === 'abstractNum') {
        own = new Map();
        abstract.set(attributes.abstractNumId ?? '', own);
      } else if (name === 'num') {
        list = attributes.numId ?? '';
      } else if (name === 'abstractNumId') {
        own = new Map([...(abstract.get(val) ?? [])].map(([depth, shape]) => [depth, { ...shape }]));
        levels.set(list, own);
        kinds.set(list, `of ${val}`);
      } else if (name === 'lvlOverride') {
        overridden = Number(attributes.ilvl);
      } else if (name === 'startOverride') {
        const shape = own.get(overridden);
        if (shape !== undefined) shape.start = Number(val);
        kinds.set(list, list);
      } else if (name === 'lvl') {
        level = { start: 1, format: 'decimal', text: '', legal: false };
        own.set(Number(attributes.ilvl), level);
      } else if (level !== undefined) {
        if (name === 'start') level.start = Number(val);
        else if (name === 'numFmt') level.format = val;
        else if (name === 'lvlText') level.text = val;
        else if (name === 'isLgl') level.legal = isOn(attributes);
      }
    },
    close(name) {
      if (name === 'lvl') level = undefined;
    },
  });
  return new ListNumbers(levels, kinds);
}
