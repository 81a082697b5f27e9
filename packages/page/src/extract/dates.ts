/**
 * Dates as pages write them → 2024-05-06, or 2024-05-06T08:30:00 where the hour is told, with the zone where it is told
 * (Z, +08:00): nothing is computed between zones.
 *
 * Read are digits with signs or 年月日, Chinese numerals (二〇二四年五月六日), years of the Republic (民國113年), English months
 * before and after the day, the forms of mail and of microblogs, and in metadata digits alone.
 */

/** The first date in a text; undefined where none is. */
export function dateIn(text: string): string | undefined {
  const plain = text.normalize('NFKC');
  for (const [pattern, read] of FORMS) {
    const found = pattern.exec(plain);
    const date = found === null ? undefined : written(read(found.groups!), plain.slice(found.index + found[0].length));
    if (date !== undefined) return date;
  }
  return undefined;
}

/** A date that is all of a text, also in digits alone: 20240506, 20240506083000, seconds since 1970. */
export function dateOfMeta(text: string): string | undefined {
  const digits =
    /^\s*(?<year>(?:19|20)\d\d)(?<month>\d\d)(?<day>\d\d)(?:(?<hour>\d\d)(?<minute>\d\d)(?<second>\d\d)?)?\s*$/.exec(
      text,
    );
  if (digits !== null) return written(digits.groups!, '');
  const seconds = /^\s*(1\d{9})(?:\d{3})?\s*$/.exec(text);
  if (seconds !== null) return new Date(Number(seconds[1]) * 1000).toISOString().replace('.000', '');
  return dateIn(text);
}

/** `/2024/05/06/`, `_20240506.`: a date between marks of an address. */
export function dateInAddress(url: string): string | undefined {
  const found =
    /[/_-](?<year>(?:19|20)\d\d)[-/]?(?<month>0[1-9]|1[0-2])[-/]?(?<day>0[1-9]|[12]\d|3[01])(?=[/_.-]|$)/.exec(url);
  return found === null ? undefined : written(found.groups!, '');
}

type Parts = Record<string, string | undefined>;

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const MONTH = String.raw`(?<month>Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.?`;
const DAY = String.raw`(?<day>\d{1,2})(?:st|nd|rd|th)?`;
const YEAR = String.raw`(?<year>(?:19|20)\d\d)`;
const CLOCK = String.raw`(?<hour>\d{1,2}):(?<minute>\d\d)(?::(?<second>\d\d)(?:\.\d+)?)?`;
/** The time that follows a day, with what may stand between. */
const TIME = new RegExp(
  String.raw`^(?:\s*日)?[T,\s]*(?:\(?(?:星期|週|周)[一二三四五六日天]\)?\s*)?(?:at\s+)?(?<half>上午|下午|凌晨|早上|中午|晚上|晚间)?\s*(?:${CLOCK}|(?<hour2>\d{1,2})[时時点點](?:(?<minute2>\d{1,2})分)?)\s*(?<half2>[ap]\.?m\b)?\s*(?<zone>(?:UTC|GMT)?[+-]\d{1,2}:?(?:\d\d)?(?!\d)|Z\b|UTC\b|GMT\b)?`,
  'i',
);
const NUMERALS = '〇零○一二三四五六七八九十廿卅元';

const FORMS: [pattern: RegExp, read: (parts: Parts) => Parts][] = [
  [
    /(?<![\d.])(?<year>(?:19|20)\d\d)\s*[-/.年]\s*(?<month>\d{1,2})\s*[-/.月]\s*(?<day>\d{1,2})(?!\d)/,
    (parts) => parts,
  ],
  [
    /民[國国]\s*(?<year>\d{1,3}|[〇零○一二三四五六七八九十百元]{1,6})\s*年\s*(?<month>\d{1,2}|[一二三四五六七八九十]{1,2})\s*月\s*(?<day>\d{1,2}|[一二三四五六七八九十廿卅]{1,3})/,
    ({ year, month, day }) => ({
      year: String(1911 + numberOf(year!)),
      month: String(numberOf(month!)),
      day: String(numberOf(day!)),
    }),
  ],
  [
    /(?<year>[一二][〇零○一二三四五六七八九]{3})年(?<month>[一二三四五六七八九十元]{1,2})月(?<day>[一二三四五六七八九十廿卅]{1,3})/,
    ({ year, month, day }) => ({ year: digitsOf(year!), month: String(numberOf(month!)), day: String(numberOf(day!)) }),
  ],
  // Mon May 06 08:30:00 +0800 2024
  [new RegExp(String.raw`\b${MONTH}\s+${DAY}\s+${CLOCK}\s+(?<zone>[+-]\d{4}|[A-Z]{3})\s+${YEAR}`, 'i'), english],
  [new RegExp(String.raw`\b${MONTH}\s+${DAY},?\s+${YEAR}`, 'i'), english],
  [new RegExp(String.raw`\b${DAY}[\s-]+(?:of\s+)?${MONTH},?[\s-]+${YEAR}`, 'i'), english],
];

function english(parts: Parts): Parts {
  return { ...parts, month: String(MONTHS.indexOf(parts.month!.slice(0, 3).toLowerCase()) + 1) };
}

/** 二〇二四 → 2024. */
function digitsOf(numerals: string): string {
  return [...numerals]
    .map((c) => (c === '零' || c === '○' ? 0 : NUMERALS.indexOf(c) < 3 ? 0 : NUMERALS.indexOf(c) - 2))
    .join('');
}

/** 三十一 → 31, 廿五 → 25, 元 → 1, 一百一十三 → 113. */
function numberOf(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  let total = 0;
  let digit = 0;
  for (const c of text) {
    if (c === '百' || c === '十') {
      total += Math.max(1, digit) * (c === '百' ? 100 : 10);
      digit = 0;
    } else if (c === '廿' || c === '卅') total += c === '廿' ? 20 : 30;
    else if (c === '元') digit = 1;
    else digit = Number(digitsOf(c));
  }
  return total + digit;
}

function written(parts: Parts, rest: string): string | undefined {
  const [year, month, day] = [Number(parts.year), Number(parts.month), Number(parts.day)];
  if (month < 1 || month > 12 || day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return undefined;
  const date = `${year}-${pad(month)}-${pad(day)}`;
  const time = parts.hour === undefined ? TIME.exec(rest)?.groups : parts;
  if (time === undefined) return date;
  const hour = hourOf(Number(time.hour ?? time.hour2), time.half ?? time.half2 ?? '');
  const minute = Number(time.minute ?? time.minute2 ?? 0);
  if (hour > 23 || minute > 59) return date;
  return `${date}T${pad(hour)}:${pad(minute)}:${pad(Number(time.second ?? 0))}${zoneOf(time.zone)}`;
}

function hourOf(hour: number, half: string): number {
  const isAfternoon = /^(?:下午|晚上|晚间|p)/i.test(half) || (half === '中午' && hour < 11);
  if (isAfternoon && hour < 12) return hour + 12;
  return hour === 12 && /^(?:上午|凌晨|a)/i.test(half) ? 0 : hour;
}

/** +0800, UTC+8 → +08:00; names of zones other than UTC are none. */
function zoneOf(zone: string | undefined): string {
  if (zone === undefined) return '';
  const offset = /([+-])(\d{1,2}):?(\d\d)?$/.exec(zone);
  if (offset !== null) return `${offset[1]}${offset[2]!.padStart(2, '0')}:${offset[3] ?? '00'}`;
  return /^(?:Z|UTC|GMT)$/i.test(zone) ? 'Z' : '';
}

function pad(n: number): string {
  return String(n).padStart(2, '0');
}
