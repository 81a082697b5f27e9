/** What must be true of a ledger at every moment, computed anew from the rows of requests. */
import assert from 'node:assert/strict';
import type { Database } from '../storage/database.ts';

interface RequestRow {
  readonly id: number;
  readonly reserved_at: number;
  readonly counters: string;
  readonly prompt_tokens: number;
  readonly most_tokens: number;
  readonly completion_tokens: number;
  readonly ended_at: number | null;
  readonly outcome: string | null;
  readonly model: string;
  readonly key_id: string;
}

interface CounterRow {
  readonly id: number;
  readonly scope: string;
  readonly subject: string;
  readonly model: string;
  readonly metric: string;
  readonly began_at: number;
  readonly used: number;
}

/**
 * Each counter holds exactly what its window's requests reserved, if they are open, and were billed, if they have ended; none is above its
 * limit; the sums of the days are those of the requests.
 * @param limitOf of a counter; undefined where it has none
 */
export async function checkLedger(
  database: Database,
  limitOf: (counter: CounterRow) => number | undefined,
): Promise<{ readonly requests: readonly RequestRow[]; readonly open: number }> {
  const { requests, counters, days } = await database.snapshot(async (queries) => ({
    requests: await queries.rows<RequestRow>('SELECT * FROM requests'),
    counters: await queries.rows<CounterRow>('SELECT * FROM counters'),
    days: await queries.rows<Record<string, number>>(
      'SELECT SUM(requests) AS requests, SUM(prompt_tokens) AS prompt, SUM(completion_tokens) AS completion FROM usage_days',
    ),
  }));
  const expected = new Map<number, number>();
  const billed = { requests: 0, prompt: 0, completion: 0 };
  for (const request of requests) {
    const [counts = 1, ...ids] = JSON.parse(request.counters) as number[];
    const isOpen = request.ended_at === null;
    const { outcome, prompt_tokens: prompt, completion_tokens: completion } = request;
    const nothing = !isOpen && completion === 0 && outcome !== 'completed' && outcome !== 'left';
    const tokens = prompt + (isOpen ? request.most_tokens : completion);
    if (!isOpen && !nothing) {
      billed.requests += counts;
      billed.prompt += prompt;
      billed.completion += completion;
    }
    for (const id of ids) {
      const counter = counters.find((one) => one.id === id)!;
      if (request.reserved_at < counter.began_at) continue;
      const share =
        counter.metric === 'concurrent_requests'
          ? isOpen
            ? counts
            : 0
          : counter.metric.startsWith('tokens')
            ? tokens
            : nothing
              ? 0
              : counts;
      expected.set(id, (expected.get(id) ?? 0) + share);
    }
  }
  for (const counter of counters) {
    const name = `${counter.metric} of ${counter.scope} for ${counter.model}`;
    assert.equal(counter.used, expected.get(counter.id) ?? 0, name);
    const limit = limitOf(counter);
    assert.ok(limit === undefined || counter.used <= limit, `${name}: ${counter.used} of ${limit}`);
  }
  const day = days[0]!;
  const summed = {
    requests: Number(day.requests ?? 0),
    prompt: Number(day.prompt ?? 0),
    completion: Number(day.completion ?? 0),
  };
  assert.deepEqual(summed, billed, 'sums of the days');
  return { requests, open: requests.filter(({ ended_at }) => ended_at === null).length };
}
