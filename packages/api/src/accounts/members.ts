/**
 * Organisations and accounts without an application: the first admin, members whom an owner or an admin adds, suspension, and taking out.
 *
 * Who is suspended is refused with every key and signed out, at once and in every process; nothing is deleted, and reinstating gives it all
 * back. Who is taken out loses keys and sessions; the name and address are forgotten, and what was billed stays.
 */
import type { Queries } from '../storage/database.ts';
import { type AuditTarget, record } from './audit-trail.ts';
import { AccountError } from './errors.ts';
import type { AccountParts } from './parts.ts';
import { randomPassword, requireGoodPassword } from './passwords.ts';
import {
  type Account,
  accountsWhere,
  findAccount,
  findOrganisation,
  insertAccount,
  type Organisation,
  type OrganisationKind,
  organisationNamed,
  organisations,
  type Role,
} from './people.ts';

const FIRST_ADMIN = 'admin@localhost';

export interface NewMember {
  readonly organisation: string;
  /** Of an organisation that is new; 'industry' when absent. */
  readonly kind?: OrganisationKind | undefined;
  readonly email: string;
  readonly name: string;
  readonly phone?: string | undefined;
  readonly role?: Role | undefined;
}

/** An account whose password is told this once. */
export interface MadeAccount {
  readonly account: Account;
  readonly password: string;
}

export class Members {
  readonly #parts: AccountParts;

  constructor(parts: AccountParts) {
    this.#parts = parts;
  }

  /** @param organisation of one alone */
  async list(organisation?: string): Promise<Account[]> {
    const { database } = this.#parts;
    if (organisation === undefined) return await accountsWhere(database, '');
    const { id } = await findOrganisation(database, organisation);
    return await accountsWhere(database, 'AND a.organisation_id = ?', id);
  }

  /** @param named an id, or the e-mail address @throws AccountError ACCOUNT_NOT_FOUND */
  async find(named: string): Promise<Account> {
    return await findAccount(this.#parts.database, named);
  }

  async organisations(): Promise<Organisation[]> {
    return await organisations(this.#parts.database);
  }

  async findOrganisation(named: string): Promise<Organisation> {
    return await findOrganisation(this.#parts.database, named);
  }

  /** The first of an organisation is its owner. @throws AccountError */
  async add(member: NewMember): Promise<MadeAccount> {
    const { database, passwords } = this.#parts;
    const password = randomPassword();
    const hash = await passwords.hash(password);
    const account = await database.write(async (queries) => {
      const kind = member.kind ?? 'industry';
      const { id: organisationId } = await organisationNamed(queries, member.organisation, kind, this.#parts);
      const others = await accountsWhere(queries, 'AND a.organisation_id = ?', organisationId);
      const { email, name, phone, role } = member;
      const row = { organisationId, email, name, phone, role, owner: others.length === 0, password: hash };
      return await findAccount(queries, await insertAccount(queries, row, this.#parts));
    });
    return { account, password };
  }

  /** @returns undefined where there is an admin already */
  async addFirstAdmin(): Promise<MadeAccount | undefined> {
    const { database, passwords } = this.#parts;
    if ((await accountsWhere(database, "AND a.role = 'admin'")).length > 0) return undefined;
    const password = randomPassword();
    const hash = await passwords.hash(password);
    return await database.write(async (queries) => {
      // Another process may have been first.
      if ((await accountsWhere(queries, "AND a.role = 'admin'")).length > 0) return undefined;
      const { id: organisationId } = await organisationNamed(queries, 'tunan', 'industry', this.#parts);
      const admin = { organisationId, email: FIRST_ADMIN, name: 'admin', role: 'admin', owner: true } as const;
      const id = await insertAccount(queries, { ...admin, password: hash }, this.#parts);
      return { account: await findAccount(queries, id), password };
    });
  }

  /** @throws AccountError ACCOUNT_NOT_FOUND, ACCOUNT_STATE for the last admin */
  async setRole(named: string, role: Role): Promise<Account> {
    return await this.#parts.database.write(async (queries) => {
      const account = await findAccount(queries, named);
      if (role !== 'admin') await requireOtherAdmin(queries, [account]);
      await queries.run('UPDATE accounts SET role = ? WHERE id = ?', role, account.id);
      await queries.run('DELETE FROM sessions WHERE account_id = ?', account.id);
      await record(queries, this.#parts, 'role_set', of(account), { role, before: account.role });
      return await findAccount(queries, account.id);
    });
  }

  /** A new random password, no second factor, no session: for who has lost them. */
  async reset(named: string): Promise<MadeAccount> {
    const { database, passwords } = this.#parts;
    const password = randomPassword();
    const hash = await passwords.hash(password);
    const account = await database.write(async (queries) => {
      const { id } = await findAccount(queries, named);
      await queries.run(
        `UPDATE accounts SET password = ?, totp_secret = NULL, totp_confirmed_at = NULL, failures = 0, locked_until = 0 WHERE id = ?`,
        ...[hash, id],
      );
      await queries.run('DELETE FROM sessions WHERE account_id = ?', id);
      await record(queries, this.#parts, 'password_reset', of({ id }));
      return await findAccount(queries, id);
    });
    return { account, password };
  }

  /** Ends all sessions. @throws AccountError ACCOUNT_SIGN_IN where the present password is wrong */
  async changePassword(accountId: string, present: string, next: string): Promise<void> {
    const { database, passwords } = this.#parts;
    requireGoodPassword(next, 'new_password');
    const [row] = await database.rows<{ password: string }>('SELECT password FROM accounts WHERE id = ?', accountId);
    if (!(await passwords.matches(present, row?.password))) {
      throw new AccountError('ACCOUNT_SIGN_IN', { en: 'the present password is wrong', zh: '当前密码不正确' });
    }
    const hash = await passwords.hash(next);
    await database.write(async (queries) => {
      await queries.run('UPDATE accounts SET password = ? WHERE id = ?', hash, accountId);
      await queries.run('DELETE FROM sessions WHERE account_id = ?', accountId);
      const actor = { kind: 'account', id: accountId } as const;
      await record(queries, { ...this.#parts, actor }, 'password_changed', of({ id: accountId }));
    });
  }

  /** Again it changes nothing. @throws AccountError ACCOUNT_NOT_FOUND, ACCOUNT_STATE for the last admin */
  async suspend(named: string): Promise<Account> {
    return await this.#parts.database.write(async (queries) => {
      const account = await findAccount(queries, named);
      await requireOtherAdmin(queries, [account]);
      await this.#suspend(queries, of(account));
      await queries.run('DELETE FROM sessions WHERE account_id = ?', account.id);
      return await findAccount(queries, account.id);
    });
  }

  /** A member of a suspended organisation stays refused. @throws AccountError ACCOUNT_NOT_FOUND */
  async reinstate(named: string): Promise<Account> {
    return await this.#parts.database.write(async (queries) => {
      const { id } = await findAccount(queries, named);
      await this.#reinstate(queries, of({ id }));
      return await findAccount(queries, id);
    });
  }

  /** With all its members, later ones too. @throws AccountError ACCOUNT_NOT_FOUND, ACCOUNT_STATE for the last admin's */
  async suspendOrganisation(named: string): Promise<Organisation> {
    return await this.#parts.database.write(async (queries) => {
      const { id } = await findOrganisation(queries, named);
      await requireOtherAdmin(queries, await accountsWhere(queries, 'AND a.organisation_id = ?', id));
      await this.#suspend(queries, { kind: 'organisation', id });
      await queries.run(
        'DELETE FROM sessions WHERE account_id IN (SELECT id FROM accounts WHERE organisation_id = ?)',
        id,
      );
      return await findOrganisation(queries, id);
    });
  }

  /** Members who were suspended themselves stay so. @throws AccountError ACCOUNT_NOT_FOUND */
  async reinstateOrganisation(named: string): Promise<Organisation> {
    return await this.#parts.database.write(async (queries) => {
      const { id } = await findOrganisation(queries, named);
      await this.#reinstate(queries, { kind: 'organisation', id });
      return await findOrganisation(queries, id);
    });
  }

  async #suspend(queries: Queries, target: Suspendable): Promise<void> {
    const sql = `UPDATE ${target.kind}s SET suspended_at = ? WHERE id = ? AND suspended_at IS NULL`;
    const changed = await queries.run(sql, this.#parts.now(), target.id);
    if (changed > 0) await record(queries, this.#parts, `${target.kind}_suspended`, target);
  }

  async #reinstate(queries: Queries, target: Suspendable): Promise<void> {
    const sql = `UPDATE ${target.kind}s SET suspended_at = NULL WHERE id = ? AND suspended_at IS NOT NULL`;
    const changed = await queries.run(sql, target.id);
    if (changed > 0) await record(queries, this.#parts, `${target.kind}_reinstated`, target);
  }

  /** @throws AccountError ACCOUNT_NOT_FOUND, ACCOUNT_STATE for the last admin */
  async remove(named: string): Promise<void> {
    await this.#parts.database.write(async (queries) => {
      const account = await findAccount(queries, named);
      await requireOtherAdmin(queries, [account]);
      await forget(queries, account.id, this.#parts);
    });
  }

  /**
   * With all its members. Answers that run are cut within a second and billed so far; nothing new is taken.
   * @throws AccountError ACCOUNT_NOT_FOUND, ACCOUNT_STATE for the last admin's
   */
  async removeOrganisation(named: string): Promise<void> {
    const { database, now } = this.#parts;
    await database.write(async (queries) => {
      const { id } = await findOrganisation(queries, named);
      const members = await accountsWhere(queries, 'AND a.organisation_id = ?', id);
      await requireOtherAdmin(queries, members);
      for (const member of members) await forget(queries, member.id, this.#parts);
      await queries.run('UPDATE organisations SET deleted_at = ? WHERE id = ?', now(), id);
      await record(queries, this.#parts, 'organisation_removed', { kind: 'organisation', id });
    });
  }
}

interface Suspendable extends AuditTarget {
  readonly kind: 'account' | 'organisation';
}

const of = ({ id }: Pick<Account, 'id'>) => ({ kind: 'account', id }) as const;

async function forget(queries: Queries, id: string, parts: AccountParts): Promise<void> {
  const now = parts.now();
  await queries.run('UPDATE keys SET revoked_at = ? WHERE account_id = ? AND revoked_at IS NULL', now, id);
  await queries.run('DELETE FROM sessions WHERE account_id = ?', id);
  await queries.run(
    `UPDATE accounts SET deleted_at = ?, email = '', name = '', phone = NULL, password = '', totp_secret = NULL WHERE id = ?`,
    ...[now, id],
  );
  await record(queries, parts, 'account_removed', of({ id }));
}

/** A server without an admin who may sign in could only be helped by its command line. */
async function requireOtherAdmin(queries: Queries, leaving: readonly Account[]): Promise<void> {
  const active = "AND a.role = 'admin' AND a.suspended_at IS NULL AND o.suspended_at IS NULL";
  const admins = await accountsWhere(queries, active);
  const gone = new Set(leaving.map(({ id }) => id));
  if (!admins.some(({ id }) => gone.has(id)) || admins.some(({ id }) => !gone.has(id))) return;
  throw new AccountError('ACCOUNT_STATE', {
    en: 'this is the last admin: make another one first',
    zh: '这是最后一个管理员：请先另设一个',
  });
}
