/** A reservation as it is entered: the row of its request, and what it charges to which counters. */
import type { Queries, Transaction } from '../storage/database.ts';
import type { OpenRequest } from './open-request.ts';

export interface Reserved extends OpenRequest {
  readonly processId: number;
  /** The id that the answer carries as x-request-id. */
  readonly request: string;
  readonly route: string;
  /** Counters in the windows that then ran. */
  readonly charges: readonly Charge[];
}

export interface Charge {
  readonly id: number;
  /** When the window began, ms. */
  readonly began: number;
  readonly amount: number;
}

const INSERT = `INSERT INTO requests (id, process_id, request, organisation_id, account_id, key_id, model, route, reserved_at, counters,
  prompt_tokens, most_tokens, completion_tokens) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`;
const UNLESS_THERE = 'ON CONFLICT (id) DO NOTHING';
const CHARGE = 'UPDATE counters SET used = used + ? WHERE id = ? AND began_at = ?';

function valuesOf(of: Reserved) {
  const { id, processId, request, organisationId, accountId, keyId, model, route } = of;
  const counters = JSON.stringify([of.requests, ...of.counters]);
  return [
    ...[id, processId, request, organisationId, accountId, keyId, model, route],
    ...[of.reservedAt, counters, of.promptTokens, of.mostTokens],
  ] as const;
}

/** The row alone: what it charges is written with all others of the transaction. */
export function insertReserved(queries: Transaction, of: Reserved): void {
  queries.later(INSERT, ...valuesOf(of));
}

/** The row and what it charges, unless it is there already. @returns whether it was not */
export async function enterReserved(queries: Queries, of: Reserved): Promise<boolean> {
  if ((await queries.run(`${INSERT} ${UNLESS_THERE}`, ...valuesOf(of))) === 0) return false;
  for (const { id, began, amount } of of.charges) await queries.run(CHARGE, amount, id, began);
  return true;
}
