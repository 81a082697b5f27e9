/**
 * The way in: somebody applies for an organisation, a reviewer approves or rejects, and an approved application is an account, the first of
 * its organisation or one more. The password was chosen when applying, so that nothing has to be sent to anybody.
 */
import { firstRow, type Queries } from '../storage/database.ts';
import { record } from './audit-trail.ts';
import { AccountError, notFound } from './errors.ts';
import type { AccountParts } from './parts.ts';
import { requireGoodPassword } from './passwords.ts';
import {
  accountsWhere,
  insertAccount,
  newId,
  type OrganisationKind,
  organisationNamed,
  requireEmail,
  requirePhone,
  requireText,
} from './people.ts';

export type ApplicationStatus = 'pending' | 'approved' | 'rejected';

export interface NewApplication {
  readonly organisation: string;
  readonly kind: OrganisationKind;
  readonly purpose: string;
  readonly name: string;
  readonly email: string;
  readonly phone?: string | undefined;
  readonly password: string;
}

export interface Application extends Omit<NewApplication, 'password'> {
  readonly id: string;
  readonly status: ApplicationStatus;
  /** ms */
  readonly createdAt: number;
  readonly reviewedAt: number | undefined;
  /** What the reviewer gave. */
  readonly reason: string | undefined;
  readonly accountId: string | undefined;
}

/** Applications that may wait at a time: the form is open to everyone. */
const WAITING = 10_000;
const LONGEST_PURPOSE = 2_000;

export class Applications {
  readonly #parts: AccountParts;

  constructor(parts: AccountParts) {
    this.#parts = parts;
  }

  /**
   * Whether there is an account of the address is not told: it would tell everyone who has one. The reviewer sees it.
   * @throws AccountError ACCOUNT_BAD_VALUE, ACCOUNT_EXISTS while another of the same address waits, ACCOUNT_STATE
   */
  async apply(given: NewApplication): Promise<string> {
    const { database, passwords, now } = this.#parts;
    const email = requireEmail(given.email);
    const name = requireText(given.name, 'name', { en: 'the name', zh: '姓名' }, 100);
    const organisation = requireText(
      given.organisation,
      'organisation',
      { en: 'the organisation', zh: '机构名称' },
      200,
    );
    const purpose = requireText(
      given.purpose.replace(/\s+/g, ' '),
      'purpose',
      { en: 'the purpose', zh: '用途' },
      LONGEST_PURPOSE,
    );
    const phone = requirePhone(given.phone) ?? null;
    requireGoodPassword(given.password, 'password');
    const password = await passwords.hash(given.password);
    const id = newId('app');
    await database.write(async (queries) => {
      await this.#requireRoom(queries, email);
      await queries.run(
        `INSERT INTO applications (id, organisation, kind, purpose, email, name, phone, password, status, created_at)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?)`,
        ...[id, organisation, given.kind, purpose, email, name, phone, password, now()],
      );
    });
    return id;
  }

  async list(status?: ApplicationStatus): Promise<Application[]> {
    const where = status === undefined ? '' : 'WHERE status = ?';
    const rows = await this.#parts.database.rows<Row>(
      `SELECT * FROM applications ${where} ORDER BY created_at, id`,
      ...(status === undefined ? [] : [status]),
    );
    return rows.map(toApplication);
  }

  /** @returns the account's id @throws AccountError ACCOUNT_NOT_FOUND, ACCOUNT_STATE, ACCOUNT_EXISTS */
  async approve(id: string): Promise<string> {
    const { database, now } = this.#parts;
    return await database.write(async (queries) => {
      const row = await pending(queries, id);
      const organisation = await organisationNamed(queries, row.organisation, row.kind, this.#parts);
      const members = await accountsWhere(queries, 'AND a.organisation_id = ?', organisation.id);
      const { email, name, password } = row;
      const account = { organisationId: organisation.id, email, name, phone: row.phone ?? undefined, password };
      const owner = members.length === 0;
      const accountId = await insertAccount(queries, { ...account, owner }, this.#parts);
      await decide(queries, id, 'approved', this.#reviewerId, now(), { accountId });
      await record(queries, this.#parts, 'application_approved', { kind: 'application', id }, { account: accountId });
      return accountId;
    });
  }

  /** @throws AccountError ACCOUNT_NOT_FOUND, ACCOUNT_STATE */
  async reject(id: string, given: string): Promise<void> {
    const { database, now } = this.#parts;
    const reason = requireText(given, 'reason', { en: 'the reason', zh: '理由' }, 500);
    await database.write(async (queries) => {
      await pending(queries, id);
      await decide(queries, id, 'rejected', this.#reviewerId, now(), { reason });
      await record(queries, this.#parts, 'application_rejected', { kind: 'application', id });
    });
  }

  get #reviewerId(): string | undefined {
    const { actor } = this.#parts;
    return actor.kind === 'account' ? actor.id : undefined;
  }

  async #requireRoom(queries: Queries, email: string): Promise<void> {
    const [same] = await queries.rows("SELECT id FROM applications WHERE status = 'pending' AND email = ?", email);
    if (same !== undefined) {
      const message = {
        en: `an application of ${email} waits for review already`,
        zh: `${email} 已有申请正在等待审核`,
      };
      throw new AccountError('ACCOUNT_EXISTS', message, { field: 'email' });
    }
    const count = "SELECT COUNT(*) AS waiting FROM applications WHERE status = 'pending'";
    const { waiting } = (await firstRow<{ waiting: number }>(queries, count))!;
    if (waiting < WAITING) return;
    const message = {
      en: 'too many applications wait for review: try again later',
      zh: '待审核的申请过多：请稍后再试',
    };
    throw new AccountError('ACCOUNT_STATE', message);
  }
}

interface Row {
  readonly id: string;
  readonly organisation: string;
  readonly kind: OrganisationKind;
  readonly purpose: string;
  readonly email: string;
  readonly name: string;
  readonly phone: string | null;
  readonly password: string;
  readonly status: ApplicationStatus;
  readonly created_at: number;
  readonly reviewed_at: number | null;
  readonly reason: string | null;
  readonly account_id: string | null;
}

function toApplication(row: Row): Application {
  const { id, organisation, kind, purpose, email, name, status } = row;
  return {
    ...{ id, organisation, kind, purpose, email, name, status },
    phone: row.phone ?? undefined,
    createdAt: row.created_at,
    reviewedAt: row.reviewed_at ?? undefined,
    reason: row.reason ?? undefined,
    accountId: row.account_id ?? undefined,
  };
}

async function pending(queries: Queries, id: string): Promise<Row> {
  const row = await firstRow<Row>(queries, 'SELECT * FROM applications WHERE id = ?', id);
  if (row === undefined) throw notFound(`application '${id}'`, `申请“${id}”`);
  if (row.status === 'pending') return row;
  const message = {
    en: `application '${id}' has been ${row.status} already`,
    zh: `申请“${id}”已${row.status === 'approved' ? '批准' : '拒绝'}`,
  };
  throw new AccountError('ACCOUNT_STATE', message);
}

async function decide(
  queries: Queries,
  id: string,
  status: ApplicationStatus,
  reviewerId: string | undefined,
  now: number,
  { reason, accountId }: { readonly reason?: string; readonly accountId?: string },
): Promise<void> {
  await queries.run(
    // The password is the account's from now on, or nobody's.
    `UPDATE applications SET status = ?, reviewer_id = ?, reviewed_at = ?, reason = ?, account_id = ?, password = '' WHERE id = ?`,
    ...[status, reviewerId ?? null, now, reason ?? null, accountId ?? null, id],
  );
}
