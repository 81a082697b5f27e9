/**
 * The end of a request, by its process or by those who outlive it: what it took is counted, and what it reserved beyond that is given back.
 *
 * Billed is what was produced, and never more: tokens of the answer as they were counted, those of the prompt where anything came of it.
 * A request of which nothing came, because the engine refused it, failed, or died with its process, counts as none.
 */
import { firstRow, type Queries } from '../storage/database.ts';
import type { Counters } from './counters.ts';
import { countsTokens, type Metric } from './metrics.ts';
import type { OpenRequest } from './open-request.ts';
import type { UsageSums } from './usage-sums.ts';

/** `left`: the client went away. `failed`: the engine or the server. `refused`: it never began. `lost`: its process died. */
export type Outcome = 'completed' | 'left' | 'failed' | 'refused' | 'lost';

export interface Spent {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly outcome: Outcome;
}

export interface Closing {
  readonly counters: Counters;
  readonly sums: UsageSums;
  readonly now: number;
}

/** What a request is billed for, and how much of what it reserved comes back. */
export interface Bill {
  /** Whether nothing came of it. */
  readonly nothing: boolean;
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  back(metric: Metric): number;
}

export function billOf(open: OpenRequest, spent: Spent): Bill {
  const { outcome, completionTokens } = spent;
  const nothing = completionTokens === 0 && outcome !== 'completed' && outcome !== 'left';
  const promptTokens = nothing || outcome === 'refused' ? 0 : spent.promptTokens;
  const requests = nothing ? 0 : open.requests;
  const back = (metric: Metric) => {
    if (metric === 'concurrent_requests') return open.requests;
    if (!countsTokens(metric)) return open.requests - requests;
    return open.promptTokens + open.mostTokens - promptTokens - completionTokens;
  };
  return { nothing, requests, promptTokens, completionTokens, back };
}

export const END_REQUEST =
  'UPDATE requests SET ended_at = ?, outcome = ?, prompt_tokens = ?, completion_tokens = ? WHERE id = ? AND ended_at IS NULL';

/** @param request or the id of one of which the database alone knows @returns whether it was open */
export async function close(
  queries: Queries,
  request: OpenRequest | number,
  spent: Spent,
  { counters, sums, now }: Closing,
): Promise<boolean> {
  const open = typeof request === 'number' ? await findOpen(queries, request) : request;
  if (open === undefined) return false;
  const bill = billOf(open, spent);
  const closed = await queries.run(
    END_REQUEST,
    ...[Math.max(now, open.reservedAt), spent.outcome, bill.promptTokens, bill.completionTokens, open.id],
  );
  if (closed === 0) return false;
  for (const id of open.counters) await counters.release(id, open.reservedAt, bill.back);
  if (!bill.nothing) sums.add(open, bill);
  return true;
}

interface Row {
  readonly id: number;
  readonly organisation_id: string;
  readonly account_id: string;
  readonly key_id: string;
  readonly model: string;
  readonly reserved_at: number;
  readonly counters: string;
  readonly prompt_tokens: number;
  readonly most_tokens: number;
  readonly completion_tokens: number;
}

const SELECT = `SELECT id, organisation_id, account_id, key_id, model, reserved_at, counters, prompt_tokens, most_tokens, completion_tokens
  FROM requests WHERE ended_at IS NULL AND`;

async function findOpen(queries: Queries, id: number): Promise<OpenRequest | undefined> {
  const row = await firstRow<Row>(queries, `${SELECT} id = ?`, id);
  return row === undefined ? undefined : toOpen(row);
}

/** All open requests of a process, with what was recorded of each. */
export async function openOf(
  queries: Queries,
  processId: number,
): Promise<{ readonly open: OpenRequest; readonly recorded: number }[]> {
  const rows = await queries.rows<Row>(`${SELECT} process_id = ?`, processId);
  return rows.map((row) => ({ open: toOpen(row), recorded: row.completion_tokens }));
}

function toOpen(row: Row): OpenRequest {
  const [requests = 1, ...counters] = JSON.parse(row.counters) as number[];
  return {
    ...{ id: row.id, organisationId: row.organisation_id, accountId: row.account_id, keyId: row.key_id },
    ...{ model: row.model, reservedAt: row.reserved_at, counters, requests },
    ...{ promptTokens: row.prompt_tokens, mostTokens: row.most_tokens },
  };
}
