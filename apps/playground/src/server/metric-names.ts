/** The limits of the server in words: `tokens_per_day` is 每天词元. */
import { words } from '../language.ts';

const say = words(
  {
    requests: '请求数',
    tokens: '词元数',
    windows: { minute: '每分钟', day: '每天', week: '每周', month: '每月', quarter: '每季度' } as Readonly<
      Record<string, string>
    >,
    per: (what: string, window: string) => `${window}${what}`,
    concurrent: '同时进行的请求',
    perRequest: '每个请求的词元数',
  },
  {
    requests: 'requests',
    tokens: 'tokens',
    windows: { minute: 'minute', day: 'day', week: 'week', month: 'month', quarter: 'quarter' },
    per: (what, window) => `${what} per ${window}`,
    concurrent: 'concurrent requests',
    perRequest: 'tokens per request',
  },
);

const WINDOWS = ['minute', 'day', 'week', 'month', 'quarter'];

/** All that the server limits. */
export const METRICS: readonly string[] = [
  ...['requests', 'tokens'].flatMap((what) => WINDOWS.map((window) => `${what}_per_${window}`)),
  ...['concurrent_requests', 'tokens_per_request'],
];

/** @param metric such as requests_per_minute, concurrent_requests */
export function metricName(metric: string): string {
  if (metric === 'concurrent_requests') return say().concurrent;
  if (metric === 'tokens_per_request') return say().perRequest;
  const [, what, window = ''] = /^(requests|tokens)_per_(\w+)$/.exec(metric) ?? [];
  if (what === undefined) return metric;
  return say().per(say()[what as 'requests' | 'tokens'], say().windows[window] ?? window);
}
