/** Organisations and their members: what rows of the database are, and the checks that every way in has in common. */
import { randomUUID } from 'node:crypto';
import type { Said } from '@tunan/files';
import { firstRow, type Queries } from '../storage/database.ts';
import { type Recorder, record } from './audit-trail.ts';
import { AccountError, notFound, suspended } from './errors.ts';

/** A user calls models; a reviewer decides on applications too; an admin may do everything. */
export const ROLES = ['user', 'reviewer', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export const KINDS = ['academic', 'industry'] as const;
export type OrganisationKind = (typeof KINDS)[number];

export interface Organisation {
  readonly id: string;
  readonly name: string;
  readonly kind: OrganisationKind;
  /** ms */
  readonly createdAt: number;
  /** ms; undefined where it is not suspended */
  readonly suspendedAt: number | undefined;
}

export interface Account {
  readonly id: string;
  readonly organisationId: string;
  readonly organisation: string;
  readonly email: string;
  readonly name: string;
  readonly phone: string | undefined;
  readonly role: Role;
  /** Of the organisation: may add members and take them out. */
  readonly owner: boolean;
  readonly secondFactor: boolean;
  /** ms */
  readonly createdAt: number;
  /** ms; undefined where it is not suspended */
  readonly suspendedAt: number | undefined;
  /** The same of the organisation, which suspends all its members. */
  readonly organisationSuspendedAt: number | undefined;
}

export interface NewAccount {
  readonly organisationId: string;
  readonly email: string;
  readonly name: string;
  readonly phone?: string | undefined;
  readonly role?: Role | undefined;
  readonly owner?: boolean | undefined;
  /** As Passwords.hash gives it. */
  readonly password: string;
}

interface AccountRow {
  readonly id: string;
  readonly organisation_id: string;
  readonly organisation: string;
  readonly email: string;
  readonly name: string;
  readonly phone: string | null;
  readonly role: Role;
  readonly owner: number;
  readonly totp_confirmed_at: number | null;
  readonly created_at: number;
  readonly suspended_at: number | null;
  readonly organisation_suspended_at: number | null;
}

const SELECT = `SELECT a.id, a.organisation_id, o.name AS organisation, a.email, a.name, a.phone, a.role, a.owner,
    a.totp_confirmed_at, a.created_at, a.suspended_at, o.suspended_at AS organisation_suspended_at FROM accounts a JOIN organisations o ON o.id = a.organisation_id
  WHERE a.deleted_at IS NULL`;

/** @param where goes on behind a condition, such as `AND a.role = ?` */
export async function accountsWhere(
  queries: Pick<Queries, 'rows'>,
  where: string,
  ...values: readonly (string | number)[]
): Promise<Account[]> {
  const rows = await queries.rows<AccountRow>(`${SELECT} ${where} ORDER BY a.created_at, a.id`, ...values);
  return rows.map((row) => ({
    id: row.id,
    organisationId: row.organisation_id,
    organisation: row.organisation,
    email: row.email,
    name: row.name,
    phone: row.phone ?? undefined,
    role: row.role,
    owner: row.owner === 1,
    secondFactor: row.totp_confirmed_at !== null,
    createdAt: row.created_at,
    suspendedAt: row.suspended_at ?? undefined,
    organisationSuspendedAt: row.organisation_suspended_at ?? undefined,
  }));
}

/** @throws AccountError ACCOUNT_SUSPENDED where the account or its organisation is */
export function requireActive({ suspendedAt, organisationSuspendedAt }: Account): void {
  if (organisationSuspendedAt !== undefined) throw suspended('organisation');
  if (suspendedAt !== undefined) throw suspended('account');
}

/** @param named an id, or the e-mail address @throws AccountError ACCOUNT_NOT_FOUND */
export async function findAccount(queries: Pick<Queries, 'rows'>, named: string): Promise<Account> {
  const [found] = await accountsWhere(queries, 'AND (a.id = ? OR a.email = ?)', named, normalEmail(named));
  if (found === undefined) throw notFound(`account '${named}'`, `账户“${named}”`);
  return found;
}

export async function organisations(queries: Pick<Queries, 'rows'>): Promise<Organisation[]> {
  const rows = await queries.rows<OrganisationRow>(
    'SELECT id, name, kind, created_at, suspended_at FROM organisations WHERE deleted_at IS NULL ORDER BY created_at, id',
  );
  return rows.map(({ id, name, kind, created_at, suspended_at }) => ({
    ...{ id, name, kind, createdAt: created_at },
    suspendedAt: suspended_at ?? undefined,
  }));
}

interface OrganisationRow {
  readonly id: string;
  readonly name: string;
  readonly kind: OrganisationKind;
  readonly created_at: number;
  readonly suspended_at: number | null;
}

/** @param named an id or the name @throws AccountError ACCOUNT_NOT_FOUND */
export async function findOrganisation(queries: Pick<Queries, 'rows'>, named: string): Promise<Organisation> {
  const found = (await organisations(queries)).find(({ id, name }) => id === named || name === named.trim());
  if (found === undefined) throw notFound(`organisation '${named}'`, `机构“${named}”`);
  return found;
}

/** The organisation of that name, made where there is none. */
export async function organisationNamed(
  queries: Queries,
  given: string,
  kind: OrganisationKind,
  recorder: Recorder,
): Promise<{ readonly id: string }> {
  const name = requireText(given, 'organisation', { en: 'the name of the organisation', zh: '机构名称' }, 200);
  const sql = 'SELECT id FROM organisations WHERE name = ? AND deleted_at IS NULL';
  const found = await firstRow<{ id: string }>(queries, sql, name);
  if (found !== undefined) return found;
  const id = newId('org');
  const insert = 'INSERT INTO organisations (id, name, kind, created_at) VALUES (?, ?, ?, ?)';
  await queries.run(insert, id, name, kind, recorder.now());
  await record(queries, recorder, 'organisation_made', { kind: 'organisation', id });
  return { id };
}

/** @returns its id @throws AccountError ACCOUNT_EXISTS, ACCOUNT_BAD_VALUE */
export async function insertAccount(queries: Queries, account: NewAccount, recorder: Recorder): Promise<string> {
  const email = requireEmail(account.email);
  const name = requireText(account.name, 'name', { en: 'the name', zh: '姓名' }, 100);
  await requireFreeEmail(queries, email);
  const id = newId('acc');
  const { organisationId, role = 'user', owner = false } = account;
  await queries.run(
    `INSERT INTO accounts (id, organisation_id, email, name, phone, role, owner, password, totp_step, failures, locked_until,
      created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, ?)`,
    id,
    organisationId,
    email,
    name,
    requirePhone(account.phone) ?? null,
    role,
    owner ? 1 : 0,
    account.password,
    recorder.now(),
  );
  const details = { organisation: organisationId, role, owner };
  await record(queries, recorder, 'account_made', { kind: 'account', id }, details);
  return id;
}

async function requireFreeEmail(queries: Pick<Queries, 'rows'>, email: string): Promise<void> {
  const [taken] = await accountsWhere(queries, 'AND a.email = ?', email);
  if (taken === undefined) return;
  const message = { en: `there is an account of ${email} already`, zh: `${email} 已有账户` };
  throw new AccountError('ACCOUNT_EXISTS', message, { field: 'email' });
}

const normalEmail = (email: string): string => email.trim().toLowerCase();

/** @returns it as it is kept @throws AccountError ACCOUNT_BAD_VALUE */
export function requireEmail(given: string): string {
  const email = normalEmail(given);
  if (email.length <= 254 && /^[^\s\p{Cc}@<>"',;:\\]+@[^\s\p{Cc}@<>"',;:\\]+$/u.test(email)) return email;
  const message = { en: `'${given}' is no e-mail address`, zh: `“${given}”不是邮箱地址` };
  throw new AccountError('ACCOUNT_BAD_VALUE', message, { field: 'email' });
}

export function requirePhone(given: string | undefined): string | undefined {
  if (given === undefined || given.trim() === '') return undefined;
  const phone = given.replace(/[\s()-]/g, '');
  if (/^\+?\d{5,20}$/.test(phone)) return phone;
  const message = { en: `'${given}' is no telephone number`, zh: `“${given}”不是电话号码` };
  throw new AccountError('ACCOUNT_BAD_VALUE', message, { field: 'phone' });
}

/** Control characters would let a name write lines into logs and tables. @returns it without space around it */
export function requireText(given: string, field: string, what: Said, most: number): string {
  const text = given.trim();
  const length = [...text].length;
  if (length >= 1 && length <= most && !/\p{Cc}/u.test(text)) return text;
  const message = {
    en: `${what.en} must have 1 to ${most} characters in one line`,
    zh: `${what.zh}应为一行，1 到 ${most} 个字符`,
  };
  throw new AccountError('ACCOUNT_BAD_VALUE', message, { field });
}

export const newId = (kind: string): string => `${kind}_${randomUUID().replaceAll('-', '').slice(0, 20)}`;
