/** Rows of usage added up. */
import type { UsageList } from '@tunan/protocol';

export type UsageRow = UsageList['data'][number];

export interface UsageSum {
  readonly name: string;
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export function sumBy(rows: readonly UsageRow[], nameOf: (row: UsageRow) => string): UsageSum[] {
  const sums = new Map<string, UsageSum>();
  for (const row of rows) {
    const name = nameOf(row);
    const before = sums.get(name);
    sums.set(name, {
      name,
      requests: (before?.requests ?? 0) + row.requests,
      promptTokens: (before?.promptTokens ?? 0) + row.prompt_tokens,
      completionTokens: (before?.completionTokens ?? 0) + row.completion_tokens,
    });
  }
  return [...sums.values()];
}

const DAY = 24 * 3600 * 1000;
/** Days of usage are those of China. */
const SHIFT = 8 * 3600 * 1000;

/** The last one is today: `2026-11-30`. @param now ms */
export function daysUntilToday(count: number, now: number): string[] {
  return Array.from({ length: count }, (_, i) =>
    new Date(now + SHIFT - (count - 1 - i) * DAY).toISOString().slice(0, 10),
  );
}
