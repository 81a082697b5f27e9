/**
 * Excel (.xlsx, .xlsm; SpreadsheetML): sheets row by row, every cell as it is shown (dates, percentages and amounts by their formats; of
 * formulas the value that was saved). Hidden sheets are left out. Rows are given one at a time; the shared texts are held.
 */
import { format } from 'numfmt';
import { mainPart, relationshipsOf } from './relationships.ts';
import { Unreadable } from './unreadable.ts';
import { type Attributes, readXml } from './xml-events.ts';
import type { ZipParts } from './zip-parts.ts';

/** Columns, as Excel has them. */
const MOST_COLUMNS = 16_384;

/** Formats that go by number alone (ECMA-376 18.8.30); 27 to 58 are dates where the language is Chinese. */
const BUILT_IN: Readonly<Record<number, string>> = {
  ...{ 1: '0', 2: '0.00', 3: '#,##0', 4: '#,##0.00', 9: '0%', 10: '0.00%', 11: '0.00E+00', 12: '# ?/?', 13: '# ??/??' },
  ...{ 14: 'yyyy/m/d', 15: 'd-mmm-yy', 16: 'd-mmm', 17: 'mmm-yy', 18: 'h:mm AM/PM', 19: 'h:mm:ss AM/PM', 20: 'h:mm' },
  ...{ 21: 'h:mm:ss', 22: 'yyyy/m/d h:mm', 37: '#,##0;-#,##0', 38: '#,##0;-#,##0', 39: '#,##0.00;-#,##0.00' },
  ...{ 40: '#,##0.00;-#,##0.00', 45: 'mm:ss', 46: '[h]:mm:ss', 47: 'mm:ss.0', 48: '##0.0E+0', 49: '@' },
  ...{
    27: 'yyyy"年"m"月"',
    28: 'm"月"d"日"',
    29: 'm"月"d"日"',
    30: 'm-d-yy',
    31: 'yyyy"年"m"月"d"日"',
    32: 'h"时"mm"分"',
  },
  ...{ 33: 'h"时"mm"分"ss"秒"', 36: 'yyyy"年"m"月"', 50: 'yyyy"年"m"月"', 51: 'm"月"d"日"', 52: 'yyyy"年"m"月"' },
  ...{ 53: 'm"月"d"日"', 54: 'm"月"d"日"', 57: 'yyyy"年"m"月"', 58: 'm"月"d"日"' },
};

export interface Sheet {
  name: string;
  part: string;
}

export class Workbook {
  readonly sheets: readonly Sheet[];
  readonly #zip: ZipParts;
  readonly #texts: readonly string[];
  readonly #formats: readonly string[];
  readonly #from1904: boolean;

  private constructor(zip: ZipParts, sheets: Sheet[], texts: string[], formats: string[], from1904: boolean) {
    this.#zip = zip;
    this.sheets = sheets;
    this.#texts = texts;
    this.#formats = formats;
    this.#from1904 = from1904;
  }

  static async open(zip: ZipParts): Promise<Workbook> {
    const main = await mainPart(zip);
    if (main === undefined) throw new Unreadable('damaged-document');
    const related = await relationshipsOf(zip, main);
    const partOf = (type: string) => related.find((one) => one.type === type)?.target ?? '';
    const sheets: Sheet[] = [];
    let from1904 = false;
    await readXml(zip, main, {
      open(name, attributes) {
        if (name === 'workbookPr') from1904 = ['1', 'true'].includes(attributes.date1904 ?? '');
        if (name !== 'sheet' || (attributes.state ?? 'visible') !== 'visible') return;
        const one = related.find(({ id }) => id === attributes['r:id']);
        if (one?.type === 'worksheet') sheets.push({ name: attributes.name ?? '', part: one.target });
      },
    });
    return new Workbook(
      zip,
      sheets,
      await readTexts(zip, partOf('sharedStrings')),
      await readFormats(zip, partOf('styles')),
      from1904,
    );
  }

  /** Calls back with each row that has a cell; cells that are missing are ''. */
  async readRows({ part }: Sheet, found: (cells: string[], row: number) => void): Promise<void> {
    let cells: string[] = [];
    let row = 0;
    let column = 0;
    let cell: Attributes = {};
    let value = '';
    await readXml(this.#zip, part, {
      open(name, attributes) {
        if (name === 'row') {
          cells = [];
          column = 0;
          row = Number(attributes.r ?? row + 1);
        } else if (name === 'c') {
          cell = attributes;
          column = columnOf(attributes.r) ?? column;
          value = '';
        }
      },
      close: (name) => {
        if (name === 'c') {
          const text = this.#show(value, cell);
          if (text !== '' && column < MOST_COLUMNS) {
            while (cells.length < column) cells.push('');
            cells[column] = text;
          }
          column++;
        } else if (name === 'row' && cells.length > 0) {
          found(cells, row);
        }
      },
      text(text, path) {
        const holder = path.at(-1);
        if ((holder === 'v' || holder === 't') && !path.includes('rPh')) value += text;
      },
    });
  }

  #show(value: string, { t = 'n', s = '0' }: Attributes): string {
    if (t === 's') return this.#texts[Number(value)] ?? '';
    if (t === 'b') return value === '' ? '' : value === '1' ? 'TRUE' : 'FALSE';
    if (t === 'e') return '';
    if (t !== 'n' || value === '') return value;
    const pattern = this.#formats[Number(s)] ?? '';
    const number = Number(value);
    if (Number.isNaN(number)) return value;
    // Fifteen digits are what Excel shows: 0.1 + 0.2 is 0.3.
    if (pattern === '' || pattern === 'General') return String(Number(number.toPrecision(15)));
    const isDate = this.#from1904 && /[ymdhs]/i.test(pattern.replaceAll(/"[^"]*"|\[[^\]]*\]|\\./g, ''));
    return format(pattern, isDate ? number + 1462 : number, { locale: 'zh-CN', throws: false }).trim();
  }
}

/** `AB12` is column 27, from 0. */
function columnOf(reference: string | undefined): number | undefined {
  const name = /^[A-Z]{1,3}/.exec(reference ?? '')?.[0];
  if (name === undefined) return undefined;
  return [...name].reduce((n, letter) => n * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

async function readTexts(zip: ZipParts, part: string): Promise<string[]> {
  const texts: string[] = [];
  let text = '';
  await readXml(zip, part, {
    open(name) {
      if (name === 'si') text = '';
    },
    close(name) {
      if (name === 'si') texts.push(text);
    },
    text(found, path) {
      // Readings of characters are no text of the cell.
      if (path.at(-1) === 't' && !path.includes('rPh')) text += found;
    },
  });
  return texts;
}

/** The format of every cell style. */
async function readFormats(zip: ZipParts, part: string): Promise<string[]> {
  const own = new Map<number, string>();
  const formats: string[] = [];
  await readXml(zip, part, {
    open(name, attributes, path) {
      if (name === 'numFmt' && path.at(-2) === 'numFmts')
        own.set(Number(attributes.numFmtId), attributes.formatCode ?? '');
      if (name !== 'xf' || path.at(-2) !== 'cellXfs') return;
      const id = Number(attributes.numFmtId ?? 0);
      formats.push(own.get(id) ?? BUILT_IN[id] ?? '');
    },
  });
  return formats;
}
