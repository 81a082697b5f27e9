/**
 * Applications that organisations keep: each with its newest revision and what it was before, in the database of accounts, or in one of its
 * own beside a server without accounts.
 *
 * Whoever saves says which revision was read; where another has saved since, nothing is written. Of many revisions the newest are kept.
 */
import type { App, AppInput } from '@tunan/protocol';
import { newId } from '../accounts/people.ts';
import { type Database, firstRow, type Queries } from '../storage/database.ts';

export interface StoredApp {
  readonly id: string;
  readonly organisationId: string;
  readonly copiedFrom: string | undefined;
  readonly revision: number;
  /** Everyone on the server may read and run it. */
  readonly shared: boolean;
  /** ms */
  readonly updatedAt: number;
  readonly file: App | AppInput;
}

export interface AppVersion {
  readonly revision: number;
  /** ms */
  readonly savedAt: number;
  readonly file: App | AppInput;
}

/** Whose application it is; without accounts nobody's in particular. */
export interface AppOwner {
  readonly organisationId: string;
  readonly accountId: string | undefined;
}

/** Of one organisation; and revisions of one application. */
export const APP_STORE_LIMITS = { apps: 500, versions: 100 } as const;
/** Shared ones that a list shows. */
const MOST_SHARED = 500;

interface Row {
  readonly id: string;
  readonly organisation_id: string;
  readonly copied_from: string | null;
  readonly revision: number;
  readonly shared: number;
  readonly updated_at: number;
  readonly file: string;
}

/** Of an organisation that is gone nothing is shared any more. */
const SELECT = `SELECT a.*, v.file FROM apps a
  JOIN app_versions v ON v.app_id = a.id AND v.revision = a.revision
  LEFT JOIN organisations o ON o.id = a.organisation_id`;
const SHARED = 'a.shared = 1 AND o.deleted_at IS NULL';

export class AppStore {
  readonly #database: Database;
  readonly #now: () => number;

  constructor(database: Database, now: () => number = Date.now) {
    this.#database = database;
    this.#now = now;
  }

  /** Own ones, and those that others share, the newest first. */
  async list(organisationId: string): Promise<StoredApp[]> {
    const order = 'ORDER BY a.updated_at DESC, a.id';
    const [own, shared] = await this.#database.snapshot(async (queries) => [
      await queries.rows<Row>(`${SELECT} WHERE a.organisation_id = ? ${order}`, organisationId),
      await queries.rows<Row>(
        `${SELECT} WHERE a.organisation_id <> ? AND ${SHARED} ${order} LIMIT ${MOST_SHARED}`,
        organisationId,
      ),
    ]);
    return [...own!, ...shared!].map(toStored);
  }

  /** One that an organisation may read. */
  async find(organisationId: string, id: string): Promise<StoredApp | undefined> {
    const where = `${SELECT} WHERE a.id = ? AND (a.organisation_id = ? OR (${SHARED}))`;
    const row = await firstRow<Row>(this.#database, where, id, organisationId);
    return row === undefined ? undefined : toStored(row);
  }

  /** @returns undefined where the organisation has as many as it may */
  async add(owner: AppOwner, file: App | AppInput, copiedFrom?: string): Promise<StoredApp | undefined> {
    const id = newId('app');
    const now = this.#now();
    const made = await this.#database.write(async (queries) => {
      const count = await firstRow<{ n: number }>(
        queries,
        'SELECT COUNT(*) AS n FROM apps WHERE organisation_id = ?',
        owner.organisationId,
      );
      if (count!.n >= APP_STORE_LIMITS.apps) return false;
      await queries.run(
        `INSERT INTO apps (id, organisation_id, account_id, copied_from, revision, shared, created_at, updated_at)
          VALUES (?, ?, ?, ?, 1, 0, ?, ?)`,
        ...[id, owner.organisationId, owner.accountId ?? null, copiedFrom ?? null, now, now],
      );
      await insertVersion(queries, id, 1, owner, now, file);
      return true;
    });
    return made ? await this.find(owner.organisationId, id) : undefined;
  }

  /** @returns the revision that it is now; undefined where another has saved since `revision` was read, or it is gone */
  async save(owner: AppOwner, id: string, revision: number, file: App | AppInput): Promise<number | undefined> {
    const now = this.#now();
    return await this.#database.write(async (queries) => {
      const changed = await queries.run(
        'UPDATE apps SET revision = ?, updated_at = ? WHERE id = ? AND organisation_id = ? AND revision = ?',
        ...[revision + 1, now, id, owner.organisationId, revision],
      );
      if (changed === 0) return undefined;
      await insertVersion(queries, id, revision + 1, owner, now, file);
      const oldest = revision + 1 - APP_STORE_LIMITS.versions;
      await queries.run('DELETE FROM app_versions WHERE app_id = ? AND revision <= ?', id, oldest);
      return revision + 1;
    });
  }

  /** @returns whether there was one */
  async share(organisationId: string, id: string, shared: boolean): Promise<boolean> {
    return await this.#database.write(async (queries) => {
      const set = 'UPDATE apps SET shared = ? WHERE id = ? AND organisation_id = ?';
      return (await queries.run(set, shared ? 1 : 0, id, organisationId)) > 0;
    });
  }

  /** @returns whether there was one */
  async delete(organisationId: string, id: string): Promise<boolean> {
    return await this.#database.write(async (queries) => {
      const own = await firstRow(
        queries,
        'SELECT id FROM apps WHERE id = ? AND organisation_id = ?',
        id,
        organisationId,
      );
      if (own === undefined) return false;
      await queries.run('DELETE FROM app_versions WHERE app_id = ?', id);
      await queries.run('DELETE FROM apps WHERE id = ?', id);
      return true;
    });
  }

  /** Of one that may be read, the newest first. */
  async versions(id: string): Promise<AppVersion[]> {
    const rows = await this.#database.rows<{ revision: number; saved_at: number; file: string }>(
      'SELECT revision, saved_at, file FROM app_versions WHERE app_id = ? ORDER BY revision DESC',
      id,
    );
    return rows.map(({ revision, saved_at, file }) => ({ revision, savedAt: saved_at, file: JSON.parse(file) as App }));
  }
}

async function insertVersion(
  queries: Queries,
  id: string,
  revision: number,
  { accountId }: AppOwner,
  now: number,
  file: App | AppInput,
): Promise<void> {
  await queries.run(
    'INSERT INTO app_versions (app_id, revision, account_id, saved_at, file) VALUES (?, ?, ?, ?, ?)',
    ...[id, revision, accountId ?? null, now, JSON.stringify(file)],
  );
}

function toStored(row: Row): StoredApp {
  return {
    id: row.id,
    organisationId: row.organisation_id,
    copiedFrom: row.copied_from ?? undefined,
    revision: row.revision,
    shared: row.shared === 1,
    updatedAt: row.updated_at,
    file: JSON.parse(row.file) as App,
  };
}
