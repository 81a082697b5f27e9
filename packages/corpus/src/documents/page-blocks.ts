/**
 * All text of an HTML or XHTML file in order, as chapters of books are: nothing is judged, unlike stage `extract`, which looks for the main
 * text of a web page.
 */
import { Parser } from 'htmlparser2';
import type { TextBlocks } from './text-blocks.ts';
import { Unreadable } from './unreadable.ts';

const UNREAD = new Set([
  'script',
  'style',
  'head',
  'template',
  'rt',
  'rp',
  'svg',
  'nav',
  'audio',
  'video',
  'object',
  'select',
]);
const BLOCK = new Set([
  ...[
    'p',
    'div',
    'section',
    'article',
    'aside',
    'header',
    'footer',
    'main',
    'blockquote',
    'figure',
    'figcaption',
    'body',
  ],
  ...['ul', 'ol', 'dl', 'dt', 'dd', 'pre', 'address', 'center', 'hr', 'form', 'fieldset', 'details', 'summary'],
]);
const DEEPEST = 2_000;

export function writePage(html: string, blocks: TextBlocks): void {
  const reader = new PageWriter(blocks);
  const parser = new Parser(
    {
      onopentag: (name, attributes) => reader.open(name.slice(name.indexOf(':') + 1), attributes),
      onclosetag: (name) => reader.close(name.slice(name.indexOf(':') + 1)),
      ontext: (text) => reader.text(text),
    },
    // XHTML closes tags by themselves: <title/>, <a id="x"/>.
    { recognizeSelfClosing: true, recognizeCDATA: true, decodeEntities: true },
  );
  parser.write(html);
  parser.end();
  reader.end();
}

class PageWriter {
  readonly #blocks: TextBlocks;
  readonly #lists: { ordered: boolean; count: number }[] = [];
  #text = '';
  #heading = 0;
  #item = false;
  #verbatim = 0;
  #unread = 0;
  #depth = 0;
  #rows: string[][][] | undefined;
  #tables = 0;

  constructor(blocks: TextBlocks) {
    this.#blocks = blocks;
  }

  open(name: string, attributes: Record<string, string>): void {
    if (++this.#depth > DEEPEST) throw new Unreadable('damaged-document');
    if (UNREAD.has(name)) this.#unread++;
    if (this.#unread > 0) return;
    if (/^h[1-6]$/.test(name)) {
      this.#flush();
      this.#heading = Number(name[1]);
    } else if (name === 'br') this.#text += '\n';
    else if (name === 'li') {
      this.#flush();
      const list = this.#lists.at(-1);
      if (list !== undefined) list.count++;
      this.#item = true;
    } else if (name === 'table') this.#beginTable();
    else if (name === 'tr') this.#rows?.push([]);
    else if (name === 'td' || name === 'th') {
      this.#flush();
      this.#rows?.at(-1)?.push([]);
    } else if (BLOCK.has(name)) this.#flush();
    if (name === 'pre') this.#verbatim++;
    if (name === 'ul' || name === 'ol') {
      this.#item = false;
      this.#lists.push({ ordered: name === 'ol', count: Number(attributes.start ?? 1) - 1 || 0 });
    }
  }

  close(name: string): void {
    this.#depth--;
    if (UNREAD.has(name)) {
      this.#unread--;
      return;
    }
    if (this.#unread > 0) return;
    if (BLOCK.has(name) || /^(h[1-6]|li|td|th|table)$/.test(name)) this.#flush();
    if (name === 'li') this.#item = false;
    if (name === 'pre') this.#verbatim--;
    if (name === 'ul' || name === 'ol') this.#lists.pop();
    if (name === 'table') this.#endTable();
  }

  text(text: string): void {
    if (this.#unread > 0) return;
    this.#text += this.#verbatim > 0 ? text : text.replaceAll(/[ \t\r\n\f]+/g, ' ');
  }

  end(): void {
    this.#flush();
    while (this.#tables > 0) this.#endTable();
  }

  #flush(): void {
    // A line break that the source was wrapped at is no space between two Chinese characters.
    const text =
      this.#verbatim > 0
        ? this.#text
        : this.#text
            .replaceAll(/(?<=[\p{Script=Han}，。、；：！？”』」）]) (?=[\p{Script=Han}“『「（])/gu, '')
            .replaceAll(/ ?\n ?/g, '\n');
    const level = this.#heading;
    this.#text = '';
    this.#heading = 0;
    if (text.trim() === '') return;
    const cell = this.#rows?.at(-1)?.at(-1);
    const list = this.#lists.at(-1);
    if (cell !== undefined) cell.push(text.trim());
    else if (level > 0) this.#blocks.heading(text, level);
    else if (this.#item) {
      this.#item = false;
      this.#blocks.item(text, list?.ordered === true ? `${list.count}.` : '-', this.#lists.length - 1);
    } else this.#blocks.paragraph(text);
  }

  #beginTable(): void {
    this.#flush();
    this.#tables++;
    this.#rows ??= [];
  }

  /** A table in a table goes on with the rows of the outer one. */
  #endTable(): void {
    if (--this.#tables > 0 || this.#rows === undefined) return;
    const rows = this.#rows;
    this.#rows = undefined;
    this.#tables = Math.max(0, this.#tables);
    this.#blocks.table(rows);
  }
}
