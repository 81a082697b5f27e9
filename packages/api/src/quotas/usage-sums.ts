/** Sums by day, key and model, as reports read them; within one transaction each is written once. A request belongs to the day of its beginning. */
import type { Transaction } from '../storage/database.ts';
import { dayOf } from './metrics.ts';
import type { OpenRequest } from './open-request.ts';

export interface Counted {
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export class UsageSums {
  readonly #queries: Transaction;
  readonly #sums = new Map<string, { readonly of: OpenRequest; readonly day: string; counted: Counted }>();

  constructor(queries: Transaction) {
    this.#queries = queries;
  }

  add(of: OpenRequest, counted: Counted): void {
    const day = dayOf(of.reservedAt);
    const key = `${day} ${of.keyId} ${of.model}`;
    const sum = this.#sums.get(key);
    if (sum === undefined) this.#sums.set(key, { of, day, counted });
    else {
      sum.counted = {
        requests: sum.counted.requests + counted.requests,
        promptTokens: sum.counted.promptTokens + counted.promptTokens,
        completionTokens: sum.counted.completionTokens + counted.completionTokens,
      };
    }
  }

  /** @param holder a process: nothing is added where it has gone */
  save(holder?: number): void {
    for (const { of, day, counted } of this.#sums.values()) {
      const values = [day, of.organisationId, of.accountId, of.keyId, of.model];
      const counts = [counted.requests, counted.promptTokens, counted.completionTokens];
      if (holder === undefined)
        this.#queries.later(`${INSERT} VALUES (?, ?, ?, ?, ?, ?, ?, ?) ${ADD}`, ...values, ...counts);
      else this.#queries.later(`${INSERT} ${SELECT_HELD} ${ADD}`, ...values, ...counts, holder);
    }
  }
}

const INSERT = `INSERT INTO usage_days (day, organisation_id, account_id, key_id, model, requests, prompt_tokens, completion_tokens)`;
const SELECT_HELD = `SELECT CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT),
  CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT) WHERE EXISTS (SELECT 1 FROM processes WHERE id = ?)`;
const ADD = `ON CONFLICT (day, key_id, model) DO UPDATE SET
  requests = usage_days.requests + excluded.requests,
  prompt_tokens = usage_days.prompt_tokens + excluded.prompt_tokens,
  completion_tokens = usage_days.completion_tokens + excluded.completion_tokens`;
