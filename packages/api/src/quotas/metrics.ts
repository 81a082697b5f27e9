/**
 * What can be limited: requests or tokens in a window of time, requests at once, tokens of one request.
 *
 * A window begins with the first request that falls into it. Minutes and quarters (three months) run from there; days, weeks (from Monday)
 * and months end where the calendar of China does, which has no summer time. The next one begins with the first request after its end: a
 * clock that is set back therefore gives nothing back.
 */
import type { Said } from '@tunan/files';

export type Window = 'minute' | 'day' | 'week' | 'month' | 'quarter';
const WINDOWS: readonly Window[] = ['minute', 'day', 'week', 'month', 'quarter'];

export type Metric = `requests_per_${Window}` | `tokens_per_${Window}` | 'concurrent_requests' | 'tokens_per_request';

export const METRICS: readonly Metric[] = [
  ...WINDOWS.map((window) => `requests_per_${window}` as const),
  ...WINDOWS.map((window) => `tokens_per_${window}` as const),
  'concurrent_requests',
  'tokens_per_request',
];

export const countsTokens = (metric: Metric): boolean => metric.startsWith('tokens');

const WINDOW_OF: ReadonlyMap<Metric, Window> = new Map(
  WINDOWS.flatMap((window) => [
    [`requests_per_${window}`, window],
    [`tokens_per_${window}`, window],
  ]),
);

/** Undefined where there is none. */
export const windowOf = (metric: Metric): Window | undefined => WINDOW_OF.get(metric);

/** Of requests at once, which have no window. */
export const NEVER = Number.MAX_SAFE_INTEGER;

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Of China, the whole year. */
const SHIFT = 8 * 60 * MINUTE;

/** The calendar of China as if it were UTC's. */
const inChina = (now: number): Date => new Date(now + SHIFT);

/** `2026-11-30`, in China. */
export const dayOf = (now: number): string => inChina(now).toISOString().slice(0, 10);

/** Where the window ends that begins now, ms. */
export function endOf(metric: Metric, now: number): number {
  const window = windowOf(metric);
  if (window === undefined) return NEVER;
  if (window === 'minute') return now + MINUTE;
  const date = inChina(now);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  if (window === 'quarter') {
    // The last day of a month that is too short for the date.
    const last = new Date(Date.UTC(year, month + 4, 0)).getUTCDate();
    return Date.UTC(year, month + 3, Math.min(day, last)) + (date.getTime() % DAY) - SHIFT;
  }
  if (window === 'month') return Date.UTC(year, month + 1, 1) - SHIFT;
  const days = window === 'day' ? 1 : 7 - ((date.getUTCDay() + 6) % 7);
  return Date.UTC(year, month, day + days) - SHIFT;
}

const SPOKEN: Readonly<Record<Window, Said>> = {
  minute: { en: 'a minute', zh: '每分钟' },
  day: { en: 'a day', zh: '每天' },
  week: { en: 'a week', zh: '每周' },
  month: { en: 'a month', zh: '每月' },
  quarter: { en: 'in three months', zh: '每三个月' },
};

/** Such as «1000 tokens a minute». */
export function spokenLimit(metric: Metric, amount: number): Said {
  const window = windowOf(metric);
  if (metric === 'concurrent_requests') return { en: `${amount} requests at once`, zh: `同时 ${amount} 个请求` };
  if (window === undefined) return { en: `${amount} tokens a request`, zh: `每个请求 ${amount} 个词元` };
  const { en, zh } = SPOKEN[window];
  return countsTokens(metric)
    ? { en: `${amount} tokens ${en}`, zh: `${zh} ${amount} 个词元` }
    : { en: `${amount} requests ${en}`, zh: `${zh} ${amount} 个请求` };
}
