/** Everything about accounts of one database, opened by the place that `--accounts` names. The server and `tunan account` both use it. */
import { existsSync } from 'node:fs';
import { writeBackup } from '../storage/backup.ts';
import type { Database } from '../storage/database.ts';
import { migrate } from '../storage/migrate.ts';
import { isPostgres, openDatabase } from '../storage/open-database.ts';
import { Applications } from './applications.ts';
import { Keys } from './keys.ts';
import { Members } from './members.ts';
import { Passwords } from './passwords.ts';
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
  /** Told of a backup that was written before the database was changed to a newer form. */
  readonly onBackup?: (file: string) => void;
}

export class Accounts implements AsyncDisposable {
  readonly database: Database;
  readonly applications: Applications;
  readonly members: Members;
  readonly keys: Keys;
  readonly sessions: Sessions;

  private constructor(parts: ConstructorParameters<typeof Members>[0]) {
    this.database = parts.database;
    this.applications = new Applications(parts);
    this.members = new Members(parts);
    this.keys = new Keys(parts);
    this.sessions = new Sessions(parts);
  }

  /** @param place a file, or the URL of PostgreSQL @throws StorageError, AccountError ACCOUNT_SECRET */
  static async open(place: string, options: AccountsOptions = {}): Promise<Accounts> {
    const { passwordCost, now = Date.now, environment, onBackup } = options;
    const database = await openMigrated(place, options, onBackup);
    try {
      const secret = await readServerSecret(database, environment);
      return new Accounts({ database, secret, passwords: new Passwords(passwordCost), now });
    } catch (error) {
      await database.close();
      throw error;
    }
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
