/** What answers of the open API told beside their text: what is left of the limits of the key, and which models have no chat template. */
import { signal } from '@preact/signals';

/** None where the server has no accounts, or sets no limits. */
export interface Allowance {
  readonly what: 'requests' | 'tokens';
  readonly limit: number;
  readonly remaining: number;
  /** Such as `1m30s`. */
  readonly resets: string;
}

/** Of the last answer. */
export const allowances = signal<readonly Allowance[]>([]);

/** Those that answer in the plain form of turns, as far as they were asked. */
export const plainModels = signal<ReadonlySet<string>>(new Set());

export function noteTold(headers: Headers, model: string | undefined): void {
  allowances.value = (['requests', 'tokens'] as const).flatMap((what) => allowanceOf(headers, what));
  if (model === undefined || headers.get('x-chat-template') !== 'plain') return;
  plainModels.value = new Set([...plainModels.peek(), model]);
}

function allowanceOf(headers: Headers, what: Allowance['what']): Allowance[] {
  const [limit, remaining, resets] = ['limit', 'remaining', 'reset'].map((name) =>
    headers.get(`x-ratelimit-${name}-${what}`),
  );
  if (limit == null || remaining == null) return [];
  return [{ what, limit: Number(limit), remaining: Number(remaining), resets: resets ?? '' }];
}
