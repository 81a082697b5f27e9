/** Everything about accounts of one database, opened by the place that `--accounts` names. The server and `tunan account` both use it. */
import { existsSync } from 'node:fs';
import { Limits } from '../quotas/limits.ts';
import { writeBackup } from '../storage/backup.ts';
import type { Database } from '../storage/database.ts';
import { migrate } from '../storage/migrate.ts';
import { isPostgres, openDatabase } from '../storage/open-database.ts';
import { Applications } from './applications.ts';
import { type Actor, type AuditEvent, type AuditFilter, auditEvents, record } from './audit-trail.ts';
import { Keys } from './keys.ts';
import { Members } from './members.ts';
import type { AccountParts } from './parts.ts';
import { Passwords } from './passwords.ts';
import type { Account } from './people.ts';
import { readServerSecret } from './server-secret.ts';
import { Sessions } from './sessions.ts';

export interface AccountsOptions {
  /** Refuses to make a new file. */
  readonly mustExist?: boolean;
  /** N of scrypt; 2^15 when absent. */
  readonly passwordCost?: number | undefined;
  /** ms since 1970; the system's clock when absent */
  readonly now?: (() => number) | undefined;
  /** Variables such as TUNAN_ACCOUNTS_SECRET; the process's when absent. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** As whom changes are recorded that no account makes; the server when absent. */
  readonly actor?: 'server' | 'command' | undefined;
  /** Records of changes older than so many days are removed; none when absent. */
  readonly auditDays?: number | undefined;
  /** Told of a backup that was written before the database was changed to a newer form. */
  readonly onBackup?: (file: string) => void;
}

export class Accounts implements AsyncDisposable {
  readonly database: Database;
  readonly applications: Applications;
  readonly members: Members;
  readonly keys: Keys;
  readonly sessions: Sessions;
  readonly limits: Limits;
  readonly #parts: AccountParts;

  private constructor(parts: AccountParts) {
    this.#parts = parts;
    this.database = parts.database;
    this.limits = new Limits(parts.database, (queries, action, { scope, subject }, details) =>
      record(queries, parts, action, { kind: scope, id: subject }, details),
    );
    this.applications = new Applications(parts);
    this.members = new Members(parts);
    this.keys = new Keys(parts);
    this.sessions = new Sessions(parts);
  }

  /** @param place a file, or the URL of PostgreSQL @throws StorageError, AccountError ACCOUNT_SECRET */
  static async open(place: string, options: AccountsOptions = {}): Promise<Accounts> {
    const { passwordCost, now = Date.now, environment, onBackup, actor = 'server', auditDays } = options;
    const database = await openMigrated(place, options, onBackup);
    try {
      const secret = await readServerSecret(database, environment);
      const recorder = { now, actor: { kind: actor }, auditDays };
      return new Accounts({ database, secret, passwords: new Passwords(passwordCost), ...recorder });
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  /** The same accounts; what is changed through what is given is recorded as done by that account. */
  by({ id }: Pick<Account, 'id'>): Omit<Accounts, 'by' | 'close' | typeof Symbol.asyncDispose> {
    const actor: Actor = { kind: 'account', id };
    return new Accounts({ ...this.#parts, actor });
  }

  /** What was changed, the newest first. */
  async events(filter: AuditFilter): Promise<AuditEvent[]> {
    return await auditEvents(this.database, filter);
  }

  async close(): Promise<void> {
    await this.database.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** The database in this program's form, without the secret of the server. @throws StorageError */
export async function openMigrated(
  place: string,
  options: Pick<AccountsOptions, 'mustExist'>,
  onBackup: ((file: string) => void) | undefined,
): Promise<Database> {
  const database = await openDatabase(place, options);
  try {
    await migrate(database, async (version) => {
      const file = backupPlace(isPostgres(place) ? 'tunan-accounts' : database.name, version);
      await writeBackup(database, file);
      onBackup?.(file);
    });
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** A name that is free, beside the database, or in the working folder. */
function backupPlace(name: string, version: number): string {
  const names = Array.from({ length: 1000 }, (_, n) => `${name}.before-${version + 1}${n === 0 ? '' : `-${n}`}.jsonl`);
  return names.find((file) => !existsSync(file)) ?? `${name}.before-${version + 1}.jsonl`;
}
