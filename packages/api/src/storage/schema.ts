/**
 * The tables, as a list of steps: a database of version N has had the first N. A step that was published is never changed; what comes later
 * is one more. The SQL is that of both databases: whole numbers are BIGINT, texts TEXT, moments milliseconds since 1970.
 *
 * People: organisations have accounts (members), accounts have keys and sessions; applications become accounts. Nothing that was billed is
 * deleted with them: organisations, accounts and keys are marked.
 *
 * Ledger (quotas/): `requests` has a row for each request, open while `ended_at` is null; `counters` what each limit has used in its
 * window, open requests included; `usage_days` the sums for reports; `processes` who holds open requests.
 *
 * Applications of prompts (apps/): `apps` has the newest revision of each, `app_versions` the files.
 */
import type { DatabaseKind } from './database.ts';

interface Table {
  /** What tells its rows apart. */
  readonly key: string;
  /** The version that made it. */
  readonly since: number;
}

/** Tables in the order in which rows may be put in, for backups. */
export const TABLES: Readonly<Record<string, Table>> = {
  settings: { key: 'name', since: 1 },
  organisations: { key: 'id', since: 1 },
  accounts: { key: 'id', since: 1 },
  applications: { key: 'id', since: 1 },
  keys: { key: 'id', since: 1 },
  sessions: { key: 'digest', since: 1 },
  limits: { key: 'scope, subject, model, metric', since: 1 },
  counters: { key: 'id', since: 1 },
  processes: { key: 'id', since: 1 },
  requests: { key: 'id', since: 1 },
  usage_days: { key: 'day, key_id, model', since: 1 },
  apps: { key: 'id', since: 2 },
  app_versions: { key: 'app_id, revision', since: 2 },
  account_events: { key: 'id', since: 5 },
};

const FIRST = [
  `CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)`,
  `CREATE TABLE organisations (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, created_at BIGINT NOT NULL, deleted_at BIGINT)`,
  `CREATE UNIQUE INDEX organisations_by_name ON organisations (name) WHERE deleted_at IS NULL`,
  `CREATE TABLE accounts (
    id TEXT PRIMARY KEY, organisation_id TEXT NOT NULL REFERENCES organisations (id),
    email TEXT NOT NULL, name TEXT NOT NULL, phone TEXT, role TEXT NOT NULL, owner BIGINT NOT NULL,
    password TEXT NOT NULL, totp_secret TEXT, totp_confirmed_at BIGINT, totp_step BIGINT NOT NULL,
    failures BIGINT NOT NULL, locked_until BIGINT NOT NULL, created_at BIGINT NOT NULL, deleted_at BIGINT)`,
  `CREATE UNIQUE INDEX accounts_by_email ON accounts (email) WHERE deleted_at IS NULL`,
  `CREATE INDEX accounts_by_organisation ON accounts (organisation_id)`,
  `CREATE TABLE applications (
    id TEXT PRIMARY KEY, organisation TEXT NOT NULL, kind TEXT NOT NULL, purpose TEXT NOT NULL,
    email TEXT NOT NULL, name TEXT NOT NULL, phone TEXT, password TEXT NOT NULL, status TEXT NOT NULL,
    created_at BIGINT NOT NULL, reviewed_at BIGINT, reviewer_id TEXT, reason TEXT, account_id TEXT)`,
  `CREATE INDEX applications_by_status ON applications (status, created_at)`,
  `CREATE TABLE keys (
    id TEXT PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts (id), name TEXT NOT NULL,
    prefix TEXT NOT NULL, digest TEXT NOT NULL, models TEXT, routes TEXT,
    created_at BIGINT NOT NULL, expires_at BIGINT, revoked_at BIGINT)`,
  `CREATE UNIQUE INDEX keys_by_prefix ON keys (prefix)`,
  `CREATE INDEX keys_by_account ON keys (account_id)`,
  `CREATE TABLE sessions (
    digest TEXT PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts (id),
    created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL)`,
  `CREATE INDEX sessions_by_account ON sessions (account_id)`,
  `CREATE TABLE limits (
    scope TEXT NOT NULL, subject TEXT NOT NULL, model TEXT NOT NULL, metric TEXT NOT NULL, amount BIGINT NOT NULL,
    PRIMARY KEY (scope, subject, model, metric))`,
  `CREATE TABLE counters (
    id BIGINT PRIMARY KEY, scope TEXT NOT NULL, subject TEXT NOT NULL, model TEXT NOT NULL, metric TEXT NOT NULL,
    began_at BIGINT NOT NULL, ends_at BIGINT NOT NULL, used BIGINT NOT NULL)`,
  `CREATE UNIQUE INDEX counters_by_limit ON counters (subject, scope, model, metric)`,
  `CREATE TABLE processes (id BIGINT PRIMARY KEY, identity TEXT NOT NULL, beats BIGINT NOT NULL)`,
  `CREATE TABLE requests (
    id BIGINT PRIMARY KEY, process_id BIGINT NOT NULL, request TEXT NOT NULL,
    organisation_id TEXT NOT NULL, account_id TEXT NOT NULL, key_id TEXT NOT NULL, model TEXT NOT NULL, route TEXT NOT NULL,
    reserved_at BIGINT NOT NULL, counters TEXT NOT NULL, prompt_tokens BIGINT NOT NULL, most_tokens BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL, ended_at BIGINT, outcome TEXT)`,
  `CREATE INDEX requests_open ON requests (process_id) WHERE ended_at IS NULL`,
  `CREATE INDEX requests_by_end ON requests (ended_at) WHERE ended_at IS NOT NULL`,
  `CREATE TABLE usage_days (
    day TEXT NOT NULL, organisation_id TEXT NOT NULL, account_id TEXT NOT NULL, key_id TEXT NOT NULL, model TEXT NOT NULL,
    requests BIGINT NOT NULL, prompt_tokens BIGINT NOT NULL, completion_tokens BIGINT NOT NULL,
    PRIMARY KEY (day, key_id, model))`,
];

/** Applications that organisations keep, each with what it was before. */
const APPS = [
  `CREATE TABLE apps (
    id TEXT PRIMARY KEY, organisation_id TEXT NOT NULL, account_id TEXT, copied_from TEXT, revision BIGINT NOT NULL,
    shared BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL)`,
  `CREATE INDEX apps_by_organisation ON apps (organisation_id)`,
  `CREATE INDEX apps_shared ON apps (updated_at) WHERE shared = 1`,
  `CREATE TABLE app_versions (
    app_id TEXT NOT NULL REFERENCES apps (id), revision BIGINT NOT NULL, account_id TEXT, saved_at BIGINT NOT NULL,
    file TEXT NOT NULL, PRIMARY KEY (app_id, revision))`,
];

/** Accounts and organisations that are refused until they are reinstated. */
const SUSPENSION = [
  'ALTER TABLE organisations ADD COLUMN suspended_at BIGINT',
  'ALTER TABLE accounts ADD COLUMN suspended_at BIGINT',
];

/**
 * A number that grows with every change of what decides on a key, so that who remembers one need look at nothing else. Raised by the
 * database itself: no statement can forget it. It is of this database alone and in no backup.
 */
const CALLERS_VERSION = [
  `CREATE TABLE callers_version (value BIGINT NOT NULL)`,
  `INSERT INTO callers_version (value) VALUES (1)`,
  {
    sqlite: ['keys', 'accounts', 'organisations'].flatMap((table) =>
      ['update', 'delete'].map(
        (change) =>
          `CREATE TRIGGER ${table}_${change} AFTER ${change} ON ${table} BEGIN UPDATE callers_version SET value = value + 1; END`,
      ),
    ),
    postgres: [
      `CREATE FUNCTION raise_callers_version() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN UPDATE callers_version SET value = value + 1; RETURN NULL; END'`,
      ...['keys', 'accounts', 'organisations'].map(
        (table) =>
          `CREATE TRIGGER ${table}_change AFTER UPDATE OR DELETE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION raise_callers_version()`,
      ),
    ],
  },
];

/** Who changed what about accounts (accounts/audit-trail.ts). Ids of whom it was done to are no references: of limits they may be `*`. */
const AUDIT = [
  `CREATE TABLE account_events (
    id BIGINT PRIMARY KEY, at BIGINT NOT NULL, actor_kind TEXT NOT NULL, actor_id TEXT, action TEXT NOT NULL,
    target_kind TEXT NOT NULL, target_id TEXT NOT NULL, details TEXT NOT NULL)`,
  `CREATE INDEX account_events_by_time ON account_events (at)`,
];

/** A statement, or those of each database where they have no common words for it. */
type Step = string | Readonly<Record<DatabaseKind, readonly string[]>>;

/** Step by step. */
export const MIGRATIONS: readonly (readonly Step[])[] = [FIRST, APPS, SUSPENSION, CALLERS_VERSION, AUDIT];
