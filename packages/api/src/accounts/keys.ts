/**
 * API keys of accounts: made, shown once, looked up at every request, replaced with overlap, revoked.
 *
 * A key that was right is remembered for as long as nothing of any key, account or organisation has changed, which every request asks the
 * database (`callers_version`, raised by its triggers): a revoked one, or one of a suspended account, is refused by every process from the
 * next request on. What runs is cut (running-answers.ts).
 */
import { hash, randomBytes } from 'node:crypto';
import { firstRow, type Queries } from '../storage/database.ts';
import { newApiKey, prefixOf } from './api-key.ts';
import { record } from './audit-trail.ts';
import { AccountError, keyRefused, notFound, suspended } from './errors.ts';
import type { AccountParts } from './parts.ts';
import { newId, requireText } from './people.ts';
import { sameDigest } from './server-secret.ts';

/** Whose request it is. */
export interface Caller {
  readonly organisationId: string;
  readonly accountId: string;
  readonly keyId: string;
  /** Models that the key may name; undefined for all. */
  readonly models: readonly string[] | undefined;
  /** Routes below /v1 that it may call, such as `chat/completions`; undefined for all. */
  readonly routes: readonly string[] | undefined;
}

export interface ApiKey {
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  /** What may be shown of it. */
  readonly prefix: string;
  readonly models: readonly string[] | undefined;
  readonly routes: readonly string[] | undefined;
  /** ms */
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  readonly revokedAt: number | undefined;
}

export interface NewKey {
  readonly name: string;
  readonly models?: readonly string[] | undefined;
  readonly routes?: readonly string[] | undefined;
  /** ms since 1970; never when absent */
  readonly expiresAt?: number | undefined;
}

/** A key whose text is told this once. */
export interface MadeKey {
  readonly key: ApiKey;
  readonly text: string;
}

/** Keys of an account that are neither revoked nor expired. */
const MOST_KEYS = 100;
const MOST_SCOPES = 100;
/** Compared where no key is found at all. */
const NO_DIGEST = randomBytes(32).toString('hex');

export class Keys {
  readonly #parts: AccountParts;
  /** Whose keys are right at #version, by the SHA-256 of the key: its text is not kept. */
  readonly #known = new Map<string, KnownCaller>();
  #version: number | undefined;

  constructor(parts: AccountParts) {
    this.#parts = parts;
  }

  /** @throws AccountError ACCOUNT_KEY, with the reason where the key itself is right; ACCOUNT_SUSPENDED */
  async authenticate(text: string): Promise<Caller> {
    const { database, now } = this.#parts;
    const version = (await firstRow<{ value: number }>(database, 'SELECT value FROM callers_version'))?.value;
    if (version !== this.#version || this.#known.size > MOST_KNOWN) {
      this.#known.clear();
      this.#version = version;
    }
    const name = hash('sha256', text);
    const known = this.#known.get(name) ?? (await this.#find(text));
    requireUsable(known.state, now());
    // While it was looked up something may have changed, and another request have noticed.
    if (version === this.#version) this.#known.set(name, known);
    return known.caller;
  }

  /** @throws AccountError */
  async #find(text: string): Promise<KnownCaller> {
    const { database, secret } = this.#parts;
    const prefix = prefixOf(text) ?? '';
    const row = await firstRow<CallerRow>(database, AUTHENTICATE, prefix);
    const right = sameDigest(secret.digest('key', text), row?.digest ?? NO_DIGEST);
    if (row === undefined || !right || row.prefix !== prefix) throw keyRefused('is not known here', '在此处不存在');
    const caller: Caller = {
      organisationId: row.organisation_id,
      accountId: row.account_id,
      keyId: row.id,
      models: listOf(row.models),
      routes: listOf(row.routes),
    };
    return { caller, state: row };
  }

  /** For what goes on after the request that sent the key. @throws AccountError ACCOUNT_KEY, ACCOUNT_SUSPENDED */
  async requireUsable(id: string): Promise<void> {
    const { database, now } = this.#parts;
    const row = await firstRow<StateRow>(database, STATE, id);
    if (row === undefined) throw keyRefused('is not known here', '在此处不存在');
    requireUsable(row, now());
  }

  /** @throws AccountError ACCOUNT_BAD_VALUE, ACCOUNT_STATE where there are too many */
  async make(accountId: string, given: NewKey): Promise<MadeKey> {
    return await this.#parts.database.write(async (queries) => {
      const made = await this.#insert(queries, accountId, given);
      await record(queries, this.#parts, 'key_made', { kind: 'key', id: made.key.id }, { account: accountId });
      return made;
    });
  }

  /** All of an account, revoked and expired ones too; of everyone where none is given. */
  async list(accountId?: string): Promise<ApiKey[]> {
    const where = accountId === undefined ? '' : 'WHERE account_id = ?';
    const sql = `SELECT * FROM keys ${where} ORDER BY created_at, id`;
    const rows = await this.#parts.database.rows<KeyRow>(sql, ...(accountId === undefined ? [] : [accountId]));
    return rows.map(toKey);
  }

  /** @param named id or prefix @param accountId refuses another's as unknown */
  async find(named: string, accountId?: string): Promise<ApiKey> {
    return await findKey(this.#parts.database, named, accountId);
  }

  async revoke(named: string, accountId?: string): Promise<ApiKey> {
    const { database, now } = this.#parts;
    return await database.write(async (queries) => {
      const key = await findKey(queries, named, accountId);
      const sql = 'UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL';
      if ((await queries.run(sql, now(), key.id)) > 0)
        await record(queries, this.#parts, 'key_revoked', { kind: 'key', id: key.id }, { account: key.accountId });
      return await findKey(queries, key.id);
    });
  }

  /**
   * A new key of the same name and scopes. The old one counts on for the overlap, so that programs can be changed one after another.
   * @param overlapSeconds 0 revokes the old one at once
   */
  async rotate(named: string, overlapSeconds: number, accountId?: string): Promise<MadeKey> {
    const { database, now } = this.#parts;
    if (!(Number.isSafeInteger(overlapSeconds) && overlapSeconds >= 0 && overlapSeconds <= MOST_OVERLAP)) {
      const message = {
        en: `the overlap is ${overlapSeconds} seconds: give a whole number from 0 to ${MOST_OVERLAP}`,
        zh: `重叠时间为 ${overlapSeconds} 秒：应为 0 到 ${MOST_OVERLAP} 的整数`,
      };
      throw new AccountError('ACCOUNT_BAD_VALUE', message, { field: 'overlap_seconds' });
    }
    return await database.write(async (queries) => {
      const old = await findKey(queries, named, accountId);
      const ended = old.revokedAt !== undefined || (old.expiresAt !== undefined && old.expiresAt <= now());
      if (ended) {
        const message = {
          en: `key ${old.prefix}… has ended: make a new one`,
          zh: `密钥 ${old.prefix}… 已失效：请新建一个`,
        };
        throw new AccountError('ACCOUNT_STATE', message);
      }
      const made = await this.#insert(queries, old.accountId, { ...old, expiresAt: old.expiresAt });
      const end = Math.min(old.expiresAt ?? Number.MAX_SAFE_INTEGER, now() + overlapSeconds * 1000);
      if (overlapSeconds === 0) await queries.run('UPDATE keys SET revoked_at = ? WHERE id = ?', now(), old.id);
      else await queries.run('UPDATE keys SET expires_at = ? WHERE id = ?', end, old.id);
      const details = { account: old.accountId, next: made.key.prefix, overlap_seconds: overlapSeconds };
      await record(queries, this.#parts, 'key_rotated', { kind: 'key', id: old.id }, details);
      return made;
    });
  }

  async #insert(queries: Queries, accountId: string, given: NewKey): Promise<MadeKey> {
    const now = this.#parts.now();
    const name = requireText(given.name, 'name', { en: 'the name of the key', zh: '密钥名称' }, 100);
    const models = scopesOf(given.models, 'models', /^[^\p{Cc}]{1,200}$/u);
    const routes = scopesOf(given.routes, 'routes', /^[a-z0-9_-]+(\/[a-z0-9_-]+)*$/);
    const { expiresAt } = given;
    if (expiresAt !== undefined && !(Number.isSafeInteger(expiresAt) && expiresAt > now)) {
      const message = {
        en: 'the key would have expired already: give a later time',
        zh: '该时间已过：请给出更晚的过期时间',
      };
      throw new AccountError('ACCOUNT_BAD_VALUE', message, { field: 'expires_at' });
    }
    const live = await queries.rows(
      'SELECT id FROM keys WHERE account_id = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)',
      ...[accountId, now],
    );
    if (live.length >= MOST_KEYS) {
      const message = {
        en: `an account has ${MOST_KEYS} keys at most: revoke one first`,
        zh: `每个账户至多 ${MOST_KEYS} 个密钥：请先吊销一个`,
      };
      throw new AccountError('ACCOUNT_STATE', message);
    }
    const text = newApiKey();
    const id = newId('key');
    await queries.run(
      `INSERT INTO keys (id, account_id, name, prefix, digest, models, routes, created_at, expires_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[id, accountId, name, prefixOf(text)!, this.#parts.secret.digest('key', text)],
      ...[models, routes, now, expiresAt ?? null],
    );
    return { key: await findKey(queries, id), text };
  }
}

interface KnownCaller {
  readonly caller: Caller;
  readonly state: StateRow;
}

const MOST_KNOWN = 10_000;
/** A month. */
const MOST_OVERLAP = 31 * 24 * 3600;

/** Of a key, what may keep it from being used. */
interface StateRow {
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
  readonly account_gone: number | null;
  readonly organisation_gone: number | null;
  readonly account_suspended: number | null;
  readonly organisation_suspended: number | null;
}

/** @throws AccountError ACCOUNT_KEY, ACCOUNT_SUSPENDED */
function requireUsable(row: StateRow, now: number): void {
  if (row.organisation_gone !== null) throw keyRefused('is of an organisation that was deleted', '所属的机构已被删除');
  if (row.revoked_at !== null || row.account_gone !== null) throw keyRefused('has been revoked', '已被吊销');
  if (row.expires_at !== null && row.expires_at <= now) throw keyRefused('has expired', '已过期');
  if (row.organisation_suspended !== null) throw suspended('organisation');
  if (row.account_suspended !== null) throw suspended('account');
}

interface CallerRow extends StateRow {
  readonly id: string;
  readonly prefix: string;
  readonly digest: string;
  readonly models: string | null;
  readonly routes: string | null;
  readonly account_id: string;
  readonly organisation_id: string;
}

const STATES = `k.expires_at, k.revoked_at, a.deleted_at AS account_gone, o.deleted_at AS organisation_gone,
    a.suspended_at AS account_suspended, o.suspended_at AS organisation_suspended`;
const OWNERS = 'JOIN accounts a ON a.id = k.account_id JOIN organisations o ON o.id = a.organisation_id';

/**
 * The key of that prefix, or the next one: whether there is a key of a prefix must not be told by the time that the answer takes, and so as
 * much is read and compared where there is none.
 */
const AUTHENTICATE = `SELECT k.id, k.prefix, k.digest, k.models, k.routes, a.id AS account_id, a.organisation_id, ${STATES}
  FROM (SELECT * FROM keys WHERE prefix >= ? ORDER BY prefix LIMIT 1) k ${OWNERS}`;
const STATE = `SELECT ${STATES} FROM keys k ${OWNERS} WHERE k.id = ?`;

interface KeyRow {
  readonly id: string;
  readonly account_id: string;
  readonly name: string;
  readonly prefix: string;
  readonly models: string | null;
  readonly routes: string | null;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
}

async function findKey(queries: Pick<Queries, 'rows'>, named: string, accountId?: string): Promise<ApiKey> {
  const row = await firstRow<KeyRow>(
    queries,
    'SELECT * FROM keys WHERE id = ? OR prefix = ?',
    named,
    named.replace(/…$/, ''),
  );
  const own = accountId === undefined || row?.account_id === accountId;
  if (row === undefined || !own) throw notFound(`key '${named}'`, `密钥“${named}”`);
  return toKey(row);
}

function toKey(row: KeyRow): ApiKey {
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    prefix: row.prefix,
    models: listOf(row.models),
    routes: listOf(row.routes),
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
  };
}

const listOf = (kept: string | null): readonly string[] | undefined =>
  kept === null ? undefined : (JSON.parse(kept) as string[]);

function scopesOf(given: readonly string[] | undefined, field: string, form: RegExp): string | null {
  if (given === undefined) return null;
  if (given.length > 0 && given.length <= MOST_SCOPES && given.every((one) => form.test(one)))
    return JSON.stringify(given);
  const message = {
    en: `${field} must be 1 to ${MOST_SCOPES} names, or absent for all${field === 'routes' ? '; a route is written as behind /v1/, such as chat/completions' : ''}`,
    zh: `${field} 应为 1 到 ${MOST_SCOPES} 个名称，省略表示全部${field === 'routes' ? '；路由写 /v1/ 之后的部分，例如 chat/completions' : ''}`,
  };
  throw new AccountError('ACCOUNT_BAD_VALUE', message, { field });
}
