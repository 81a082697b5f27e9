/**
 * Ends the answers that run for a key that was revoked, or for an account or organisation that was suspended or taken out, by this process or
 * another.
 *
 * The database is asked twice a second, and only while answers run. A key that merely expires ends nothing that had begun.
 */
import type { Database } from '../storage/database.ts';
import { type AccountError, keyRefused, suspended } from './errors.ts';
import type { Caller } from './keys.ts';

const PERIOD = 400;
/** Ids in one question; its text is the same for any number of them, so that the database keeps it prepared. */
const TOGETHER = 50;

interface Running {
  readonly caller: Caller;
  readonly end: (why: AccountError) => void;
}

export class RunningAnswers {
  readonly #database: Database;
  readonly #onTrouble: (error: unknown) => void;
  readonly #running = new Set<Running>();
  #timer: NodeJS.Timeout | undefined;
  #isTold = false;

  /** @param onTrouble told once where the database does not answer, and again after it has */
  constructor(database: Database, onTrouble: (error: unknown) => void) {
    this.#database = database;
    this.#onTrouble = onTrouble;
  }

  /** @param end called once, where the answer must not go on @returns to be called when it has ended */
  add(caller: Caller, end: (why: AccountError) => void): () => void {
    const one = { caller, end };
    this.#running.add(one);
    this.#wait();
    return () => {
      this.#running.delete(one);
      if (this.#running.size > 0) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  #wait(): void {
    this.#timer ??= setTimeout(() => {
      this.#look().finally(() => {
        this.#timer = undefined;
        if (this.#running.size > 0) this.#wait();
      });
    }, PERIOD).unref();
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const all = [...this.#running];
    try {
      const [keys, accounts] = await Promise.all([
        this.#ended(
          KEYS,
          all.map(({ caller }) => caller.keyId),
        ),
        this.#ended(
          ACCOUNTS,
          all.map(({ caller }) => caller.accountId),
        ),
      ]);
      this.#isTold = false;
      for (const one of all) {
        const { keyId, accountId } = one.caller;
        const why = accounts.get(accountId) ?? keys.get(keyId);
        if (why !== undefined && this.#running.delete(one)) one.end(ENDS[why]());
      }
    } catch (error) {
      if (!this.#isTold) this.#onTrouble(error);
      this.#isTold = true;
    }
  }

  /** @returns of ended ones why */
  async #ended(sql: string, given: readonly string[]): Promise<ReadonlyMap<string, End>> {
    const ids = [...new Set(given)];
    const found = new Map<string, End>();
    for (let at = 0; at < ids.length; at += TOGETHER) {
      const part = Array.from({ length: TOGETHER }, (_, n) => ids[at + n] ?? ids[at]!);
      const rows = await this.#database.rows<{ id: string; why: End }>(sql, ...part);
      for (const { id, why } of rows) found.set(id, why);
    }
    return found;
  }
}

const ENDS = {
  revoked: () => keyRefused('was revoked while the answer ran', '已在回答期间被吊销'),
  deleted: () =>
    keyRefused('is of an organisation that was deleted while the answer ran', '所属的机构已在回答期间被删除'),
  account: () => suspended('account', true),
  organisation: () => suspended('organisation', true),
};
type End = keyof typeof ENDS;

const LIST = Array.from({ length: TOGETHER }, () => '?').join(', ');
const KEYS = `SELECT id, 'revoked' AS why FROM keys WHERE id IN (${LIST}) AND revoked_at IS NOT NULL`;
const ACCOUNTS = `SELECT a.id, CASE WHEN o.deleted_at IS NOT NULL THEN 'deleted' WHEN a.deleted_at IS NOT NULL THEN 'revoked'
    WHEN o.suspended_at IS NOT NULL THEN 'organisation' ELSE 'account' END AS why
  FROM accounts a JOIN organisations o ON o.id = a.organisation_id
  WHERE a.id IN (${LIST}) AND (a.deleted_at IS NOT NULL OR o.deleted_at IS NOT NULL
    OR a.suspended_at IS NOT NULL OR o.suspended_at IS NOT NULL)`;
