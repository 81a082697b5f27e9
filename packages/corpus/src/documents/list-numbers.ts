/** Numbers of lists as Word shows them (ECMA-376 17.9, 17.18.59): 一、 （二） 第三条 ④ V. 1.2.3 */

/** Shape of one level of a list. */
export interface ListLevel {
  start: number;
  /** `decimal`, `bullet`, `chineseCounting` … */
  format: string;
  /** `%1.%2`, where `%n` is the number of level n. */
  text: string;
  /** Numbers of outer levels are shown as 1, 2, 3. */
  legal: boolean;
}

const DIGITS = [...'〇一二三四五六七八九'];
const FORMAL = [...'零壹贰叁肆伍陆柒捌玖'];
const STEMS = [...'甲乙丙丁戊己庚辛壬癸'];
const BRANCHES = [...'子丑寅卯辰巳午未申酉戌亥'];
const ROMAN: readonly [number, string][] = [
  [1000, 'M'],
  [900, 'CM'],
  [500, 'D'],
  [400, 'CD'],
  [100, 'C'],
  [90, 'XC'],
  [50, 'L'],
  [40, 'XL'],
  [10, 'X'],
  [9, 'IX'],
  [5, 'V'],
  [4, 'IV'],
  [1, 'I'],
];

/** `n` in a format; formats that are not known here as 1, 2, 3. */
export function formatNumber(n: number, format: string): string {
  if (n < 1) return String(n);
  switch (format) {
    case 'none':
      return '';
    case 'upperLetter':
      return letters(n);
    case 'lowerLetter':
      return letters(n).toLowerCase();
    case 'upperRoman':
      return roman(n);
    case 'lowerRoman':
      return roman(n).toLowerCase();
    case 'decimalZero':
      return String(n).padStart(2, '0');
    case 'decimalFullWidth':
    case 'decimalFullWidth2':
      return String(n).replaceAll(/\d/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0));
    case 'decimalEnclosedCircle':
    case 'decimalEnclosedCircleChinese':
      return enclosed(n, 0x2460);
    case 'decimalEnclosedParen':
      return enclosed(n, 0x2474);
    case 'decimalEnclosedFullstop':
      return enclosed(n, 0x2488);
    case 'chineseCounting':
    case 'chineseCountingThousand':
    case 'taiwaneseCounting':
    case 'taiwaneseCountingThousand':
    case 'japaneseCounting':
      return counting(n, DIGITS, [...'十百千'], '零');
    case 'chineseLegalSimplified':
      return counting(n, FORMAL, [...'拾佰仟'], '零', true);
    case 'ideographDigital':
    case 'japaneseDigitalTenThousand':
    case 'taiwaneseDigital':
      return [...String(n)].map((digit) => DIGITS[Number(digit)]!).join('');
    case 'ideographTraditional':
      return STEMS[(n - 1) % 10]!;
    case 'ideographZodiac':
      return BRANCHES[(n - 1) % 12]!;
    default:
      return String(n);
  }
}

/** A, B, … Z, AA, BB as Word has them. */
function letters(n: number): string {
  return String.fromCharCode(65 + ((n - 1) % 26)).repeat(Math.min(20, Math.ceil(n / 26)));
}

function roman(n: number): string {
  let left = Math.min(n, 4_999);
  let text = '';
  for (const [value, sign] of ROMAN) {
    for (; left >= value; left -= value) text += sign;
  }
  return text;
}

function enclosed(n: number, first: number): string {
  return n <= 20 ? String.fromCharCode(first + n - 1) : String(n);
}

/** 十二, not 一十二, unless `full`: 壹拾贰. */
function counting(n: number, digits: readonly string[], units: readonly string[], zero: string, full = false): string {
  if (n >= 10_000) return String(n);
  let text = '';
  let gap = false;
  for (let place = 3; place >= 0; place--) {
    const digit = Math.floor(n / 10 ** place) % 10;
    if (digit === 0) {
      gap = text !== '';
      continue;
    }
    if (gap) text += zero;
    gap = false;
    text += digit === 1 && place === 1 && text === '' && !full ? '' : digits[digit]!;
    if (place > 0) text += units[place - 1]!;
  }
  return text;
}

/** The counters of all lists of a document. */
export class ListNumbers {
  readonly #levels: ReadonlyMap<string, ReadonlyMap<number, ListLevel>>;
  /** Lists that are of one kind go on counting each other's numbers. */
  readonly #counters = new Map<string, number[]>();
  readonly #kinds: ReadonlyMap<string, string>;
  readonly #started = new Set<string>();

  /**
   * @param levels of each list by its number
   * @param kinds lists of one kind share their counters; a list that starts anew has its own
   */
  constructor(levels: ReadonlyMap<string, ReadonlyMap<number, ListLevel>>, kinds: ReadonlyMap<string, string>) {
    this.#levels = levels;
    this.#kinds = kinds;
  }

  /** The label of the next paragraph of a list at a depth from 0; undefined where the list is not known. */
  next(list: string, depth: number): string | undefined {
    const levels = this.#levels.get(list);
    const level = levels?.get(depth);
    if (levels === undefined || level === undefined) return undefined;
    const counters = this.#countersOf(list);
    counters[depth] = (counters[depth] ?? level.start - 1) + 1;
    counters.length = depth + 1;
    if (level.format === 'bullet') return '-';
    return level.text
      .replaceAll(/%(\d)/g, (_, place: string) => {
        const at = Number(place) - 1;
        const { format = 'decimal', start = 1 } = levels.get(at) ?? {};
        counters[at] ??= start;
        return formatNumber(counters[at], level.legal && at < depth ? 'decimal' : format);
      })
      .trim();
  }

  #countersOf(list: string): number[] {
    const kind = this.#kinds.get(list) ?? list;
    if (!this.#started.has(list) && kind === list) this.#counters.set(kind, []);
    this.#started.add(list);
    const counters = this.#counters.get(kind) ?? [];
    this.#counters.set(kind, counters);
    return counters;
  }
}
