/**
 * Whether a request keeps its limits, and what is said where it does not: which limit, how much is used, when there is more; in OpenAI's
 * headers too.
 */
import type { Said } from '@tunan/files';
import type { Counter } from './counters.ts';
import { QuotaError } from './errors.ts';
import type { Bound, Scope } from './limits.ts';
import { ALL } from './limits.ts';
import { countsTokens, spokenLimit, windowOf } from './metrics.ts';

export interface Wanted {
  readonly tokens: number;
  readonly requests: number;
}

/** Headers `x-ratelimit-…` of the tightest limits; empty where there are none. */
export type Allowance = Readonly<Record<string, string>>;

/** Of requests at once nobody knows when one ends: seconds. */
const SOON = 1;
/** From here on waiting is nothing that a program does by itself: seconds. */
const LONG = 60;

/** @returns undefined where all limits are kept */
export function refusalOf(
  bounds: readonly Bound[],
  counters: readonly Counter[],
  wanted: Wanted,
  t: number,
): QuotaError | undefined {
  const single = bounds.find(({ metric, amount }) => metric === 'tokens_per_request' && wanted.tokens > amount);
  if (single !== undefined) return tooLarge(single, wanted);
  const broken = counters.filter(({ bound, row }) => row.used + wantedOf(bound, wanted) > bound.amount);
  const never = broken.find(({ bound }) => wantedOf(bound, wanted) > bound.amount);
  if (never !== undefined) return tooLarge(never.bound, wanted);
  // Of several the one that lasts longest: before its end no other helps.
  const [longest] = broken.toSorted((a, b) => waitOf(b, t) - waitOf(a, t));
  return longest === undefined ? undefined : usedUp(longest, wanted, t, allowanceOf(counters, t));
}

const wantedOf = ({ metric }: Bound, { tokens, requests }: Wanted): number =>
  countsTokens(metric) ? tokens : requests;

/** Seconds. */
function waitOf({ bound, row }: Counter, t: number): number {
  return windowOf(bound.metric) === undefined ? SOON : Math.max(1, Math.ceil((row.ends_at - t) / 1000));
}

const HOLDERS: Readonly<Record<Scope, Said>> = {
  organisation: { en: 'the organisation', zh: '机构' },
  account: { en: 'the account', zh: '账户' },
  key: { en: 'the key', zh: '密钥' },
};

/** Such as «the limit of the key: 1000 tokens a minute of model 'm'». */
function limitText({ scope, metric, amount, model }: Bound): Said {
  const limit = spokenLimit(metric, amount);
  const of = model === ALL ? { en: '', zh: '' } : { en: ` of model '${model}'`, zh: `（模型“${model}”）` };
  return {
    en: `the limit of ${HOLDERS[scope].en}, ${limit.en}${of.en}`,
    zh: `${HOLDERS[scope].zh}的限额（${limit.zh}）${of.zh}`,
  };
}

function tooLarge(bound: Bound, { tokens }: Wanted): QuotaError {
  const limit = limitText(bound);
  const nothing = bound.amount === 0;
  const message = countsTokens(bound.metric)
    ? {
        en: `the request may take ${tokens} tokens, which passes ${limit.en}${nothing ? '' : ': shorten the prompt, or ask for a smaller max_tokens and n'}`,
        zh: `该请求最多需要 ${tokens} 个词元，超过${limit.zh}${nothing ? '' : '：请缩短提示，或减小 max_tokens 与 n'}`,
      }
    : { en: `${limit.en} lets no request through`, zh: `${limit.zh}不允许任何请求` };
  const counts = countsTokens(bound.metric) ? 'tokens' : 'requests';
  return new QuotaError('QUOTA_REQUEST_TOO_LARGE', message, { counts, headers: { 'x-should-retry': 'false' } });
}

function usedUp(counter: Counter, wanted: Wanted, t: number, allowance: Allowance): QuotaError {
  const { bound, row } = counter;
  const limit = limitText(bound);
  const seconds = waitOf(counter, t);
  const tokens = countsTokens(bound.metric);
  const state = tokens
    ? {
        en: `${row.used} are used or reserved, the request may take ${wanted.tokens}`,
        zh: `已用或已预留 ${row.used} 个，该请求最多需要 ${wanted.tokens} 个`,
      }
    : { en: `${row.used} are used`, zh: `已用 ${row.used} 个` };
  const message = {
    en: `${limit.en}, is reached (${state.en}): try again in ${seconds} s`,
    zh: `已达到${limit.zh}，${state.zh}：请在 ${seconds} 秒后再试`,
  };
  const short = windowOf(bound.metric) === undefined || windowOf(bound.metric) === 'minute';
  const headers = { ...allowance, ...(seconds > LONG && { 'x-should-retry': 'false' }) };
  return new QuotaError(short ? 'QUOTA_RATE' : 'QUOTA_USED_UP', message, {
    ...{ retryAfter: seconds, headers, counts: tokens ? 'tokens' : 'requests' },
  });
}

/** As OpenAI's headers say it, of the limits of which least is left. */
export function allowanceOf(counters: readonly Counter[], t: number): Allowance {
  let tokens: Counter | undefined;
  let requests: Counter | undefined;
  for (const counter of counters) {
    const { metric } = counter.bound;
    if (windowOf(metric) === undefined) continue;
    if (countsTokens(metric)) tokens = tighter(tokens, counter);
    else requests = tighter(requests, counter);
  }
  return { ...headersOf('requests', requests, t), ...headersOf('tokens', tokens, t) };
}

const leftOf = ({ bound, row }: Counter): number => Math.max(0, bound.amount - row.used);
const tighter = (one: Counter | undefined, other: Counter): Counter =>
  one === undefined || leftOf(other) < leftOf(one) ? other : one;

function headersOf(what: 'requests' | 'tokens', counter: Counter | undefined, t: number): Allowance {
  if (counter === undefined) return {};
  return {
    [`x-ratelimit-limit-${what}`]: String(counter.bound.amount),
    [`x-ratelimit-remaining-${what}`]: String(leftOf(counter)),
    [`x-ratelimit-reset-${what}`]: duration(counter.row.ends_at - t),
  };
}

/** As OpenAI writes it: `6m0s`, `1.5s`. */
function duration(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 60) return `${Math.ceil(seconds * 1000) / 1000}s`;
  const whole = Math.ceil(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return `${hours === 0 ? '' : `${hours}h`}${minutes}m${whole % 60}s`;
}
