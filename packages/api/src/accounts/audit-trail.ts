/**
 * Who changed what about accounts, to whom and when: a row of the database for each change, written in the transaction of the change itself, so
 * that neither is there without the other. Rows are only added; those older than is kept go when a server adds one.
 *
 * A row has ids alone, and no passwords, keys, codes, reasons or texts: names are looked up when it is read, so that who was taken out is
 * forgotten here too. The log of what was found in texts is another (safety/audit-log.ts).
 */
import type { AuditAction } from '@tunan/protocol';
import type { Database, Queries, Value } from '../storage/database.ts';

/** An account by a route, `tunan account`, the server of itself, or somebody who has not signed in. */
export type Actor =
  | { readonly kind: 'account'; readonly id: string }
  | { readonly kind: 'command' | 'server' | 'nobody' };

export type TargetKind = 'application' | 'organisation' | 'account' | 'key' | 'database';

export interface AuditTarget {
  readonly kind: TargetKind;
  /** `*` of limits: all that have no line of their own. */
  readonly id: string;
}

export type AuditDetails = Readonly<Record<string, string | number | boolean | null>>;

export interface AuditEvent {
  /** Rises by one from change to change. */
  readonly id: number;
  /** ms */
  readonly at: number;
  /** The name is an e-mail address, undefined where the account is gone. */
  readonly actor: { readonly kind: Actor['kind']; readonly id: string | undefined; readonly name: string | undefined };
  readonly action: AuditAction;
  /** The name is an address, the name of an organisation, or the prefix of a key. */
  readonly target: AuditTarget & { readonly name: string | undefined };
  readonly details: AuditDetails;
}

export interface AuditFilter {
  /** Only those of lower ids, for the next page. */
  readonly before?: number | undefined;
  /** Events at most. */
  readonly limit: number;
  /** Id of an account: what it did, and what was done to it. */
  readonly accountId?: string | undefined;
}

/** What a change needs of its maker to be recorded. */
export interface Recorder {
  /** ms since 1970 */
  readonly now: () => number;
  readonly actor: Actor;
  /** Rows older than so many days are removed when one is added; none when undefined. */
  readonly auditDays: number | undefined;
}

const DAY = 24 * 3600 * 1000;

/** To be called in the transaction of the change. */
export async function record(
  queries: Queries,
  { now, actor, auditDays }: Recorder,
  action: AuditAction,
  { kind, id }: AuditTarget,
  details: AuditDetails = {},
): Promise<void> {
  await queries.run(
    `INSERT INTO account_events (id, at, actor_kind, actor_id, action, target_kind, target_id, details)
      VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM account_events), ?, ?, ?, ?, ?, ?, ?)`,
    ...[now(), actor.kind, actor.kind === 'account' ? actor.id : null, action, kind, id, JSON.stringify(details)],
  );
  if (auditDays !== undefined) await queries.run('DELETE FROM account_events WHERE at < ?', now() - auditDays * DAY);
}

/** After a backup was put into an empty database. @param rows of the backup */
export async function recordRestore(database: Database, rows: number): Promise<void> {
  const recorder: Recorder = { now: Date.now, actor: { kind: 'command' }, auditDays: undefined };
  await database.write((queries) => record(queries, recorder, 'restored', DATABASE, { rows }));
}

export const DATABASE: AuditTarget = { kind: 'database', id: 'database' };

/** The newest first. */
export async function auditEvents(
  queries: Pick<Queries, 'rows'>,
  { before, limit, accountId }: AuditFilter,
): Promise<AuditEvent[]> {
  const conditions: string[] = [];
  const values: Value[] = [];
  if (before !== undefined) {
    conditions.push('e.id < ?');
    values.push(before);
  }
  if (accountId !== undefined) {
    conditions.push("(e.actor_id = ? OR (e.target_kind = 'account' AND e.target_id = ?))");
    values.push(accountId, accountId);
  }
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const rows = await queries.rows<EventRow>(`${SELECT} ${where} ORDER BY e.id DESC LIMIT ?`, ...values, limit);
  return rows.map((row) => ({
    ...{ id: row.id, at: row.at, action: row.action },
    actor: { kind: row.actor_kind, id: row.actor_id ?? undefined, name: row.actor_name || undefined },
    target: { kind: row.target_kind, id: row.target_id, name: row.target_name || undefined },
    details: JSON.parse(row.details) as AuditDetails,
  }));
}

interface EventRow {
  readonly id: number;
  readonly at: number;
  readonly actor_kind: Actor['kind'];
  readonly actor_id: string | null;
  /** Of an account that was taken out ''. */
  readonly actor_name: string | null;
  readonly action: AuditAction;
  readonly target_kind: TargetKind;
  readonly target_id: string;
  readonly target_name: string | null;
  readonly details: string;
}

const SELECT = `SELECT e.id, e.at, e.actor_kind, e.actor_id, b.email AS actor_name, e.action, e.target_kind, e.target_id, e.details,
    COALESCE(a.email, o.name, k.prefix, p.organisation) AS target_name
  FROM account_events e
  LEFT JOIN accounts b ON b.id = e.actor_id
  LEFT JOIN accounts a ON e.target_kind = 'account' AND a.id = e.target_id
  LEFT JOIN organisations o ON e.target_kind = 'organisation' AND o.id = e.target_id
  LEFT JOIN keys k ON e.target_kind = 'key' AND k.id = e.target_id
  LEFT JOIN applications p ON e.target_kind = 'application' AND p.id = e.target_id`;
