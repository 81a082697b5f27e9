/**
 * Signing in: e-mail address, password, and a code where the account has a second factor; then a token in a cookie, of which the database
 * keeps a digest. Changes need the token against forged requests too, which is a digest of the session's and is kept nowhere.
 *
 * After five failures in a row an account is locked, for longer each time. Unknown addresses take as long and say the same.
 */
import { randomBytes } from 'node:crypto';
import { firstRow } from '../storage/database.ts';
import { type Actor, record } from './audit-trail.ts';
import { AccountError } from './errors.ts';
import type { AccountParts } from './parts.ts';
import { type Account, accountsWhere, findAccount, requireActive } from './people.ts';
import { sameDigest } from './server-secret.ts';
import { newTotpSecret, totpAddress, totpStep } from './totp.ts';

export interface Session {
  /** For the cookie. */
  readonly token: string;
  /** For the header of requests that change something. */
  readonly csrf: string;
  /** ms */
  readonly expiresAt: number;
  readonly account: Account;
}

export const SESSION_SECONDS = 12 * 3600;
const FAILURES = 5;
const LOCK_SECONDS = 60;
const LONGEST_LOCK_SECONDS = 3600;

interface SignInRow {
  readonly id: string;
  readonly password: string;
  readonly totp_secret: string | null;
  readonly totp_confirmed_at: number | null;
  readonly totp_step: number;
  readonly failures: number;
  readonly locked_until: number;
}

export class Sessions {
  readonly #parts: AccountParts;

  constructor(parts: AccountParts) {
    this.#parts = parts;
  }

  /** @throws AccountError ACCOUNT_SIGN_IN, ACCOUNT_CODE_NEEDED, ACCOUNT_LOCKED; ACCOUNT_SUSPENDED, told to nobody but its holder */
  async signIn(email: string, password: string, code: string | undefined): Promise<Session> {
    const { database, passwords, now } = this.#parts;
    const row = await firstRow<SignInRow>(
      database,
      `SELECT id, password, totp_secret, totp_confirmed_at, totp_step, failures, locked_until FROM accounts
        WHERE email = ? AND deleted_at IS NULL`,
      email.trim().toLowerCase(),
    );
    if (row !== undefined && row.locked_until > now()) throw locked(row.locked_until - now());
    const right = await passwords.matches(password, row?.password);
    if (row === undefined) throw wrong();
    if (!right) throw await this.#fail(row.id);
    const step = row.totp_confirmed_at === null ? 0 : this.#step(row, code);
    if (step === undefined) throw code === undefined ? codeNeeded() : await this.#fail(row.id);
    return await this.#open(row, step);
  }

  /** @param token of the cookie @returns undefined where there is no such session, or it has ended */
  async find(token: string): Promise<Session | undefined> {
    const { database, secret, now } = this.#parts;
    const row = await firstRow<{ account_id: string; expires_at: number }>(
      database,
      'SELECT account_id, expires_at FROM sessions WHERE digest = ?',
      secret.digest('session', token),
    );
    if (row === undefined || row.expires_at <= now()) return undefined;
    const [account] = await accountsWhere(database, 'AND a.id = ?', row.account_id);
    if (account === undefined) return undefined;
    return { token, csrf: this.#csrfOf(token), expiresAt: row.expires_at, account };
  }

  isCsrfOf(token: string, given: string): boolean {
    return sameDigest(this.#csrfOf(token), given);
  }

  async signOut(token: string): Promise<void> {
    const { database, secret } = this.#parts;
    await database.write((queries) =>
      queries.run('DELETE FROM sessions WHERE digest = ?', secret.digest('session', token)),
    );
  }

  /** A new secret, which counts once a code of it was sent to `confirmSecondFactor`. @throws AccountError ACCOUNT_STATE */
  async beginSecondFactor(account: Account): Promise<{ readonly secret: string; readonly address: string }> {
    const { database, secret } = this.#parts;
    if (account.secondFactor) {
      const message = { en: 'there is a second factor already: take it off first', zh: '已启用两步验证：请先停用' };
      throw new AccountError('ACCOUNT_STATE', message);
    }
    const made = newTotpSecret();
    await database.write((queries) =>
      queries.run('UPDATE accounts SET totp_secret = ?, totp_step = 0 WHERE id = ?', secret.seal(made), account.id),
    );
    return { secret: made, address: totpAddress(made, account.email) };
  }

  /** @throws AccountError ACCOUNT_SIGN_IN */
  async confirmSecondFactor(account: Account, code: string): Promise<void> {
    await this.#useCode(account, code, 'second_factor_set');
  }

  /** @throws AccountError ACCOUNT_SIGN_IN */
  async endSecondFactor(account: Account, code: string): Promise<void> {
    await this.#useCode(account, code, 'second_factor_removed');
  }

  async #useCode(account: Account, code: string, action: 'second_factor_set' | 'second_factor_removed'): Promise<void> {
    const { database, now } = this.#parts;
    const actor: Actor = { kind: 'account', id: account.id };
    await database.write(async (queries) => {
      const sql = 'SELECT totp_secret, totp_step FROM accounts WHERE id = ?';
      const row = await firstRow<Pick<SignInRow, 'totp_secret' | 'totp_step'>>(queries, sql, account.id);
      const step = row === undefined ? undefined : this.#step(row, code);
      if (step === undefined) throw wrong();
      const [set, ...values] =
        action === 'second_factor_set'
          ? ['totp_confirmed_at = ?', now()]
          : ['totp_confirmed_at = NULL, totp_secret = NULL'];
      await queries.run(`UPDATE accounts SET ${set}, totp_step = ? WHERE id = ?`, ...values, step, account.id);
      await record(queries, { ...this.#parts, actor }, action, actor);
    });
  }

  #step(row: Pick<SignInRow, 'totp_secret' | 'totp_step'>, code: string | undefined): number | undefined {
    const { secret, now } = this.#parts;
    if (row.totp_secret === null || code === undefined) return undefined;
    return totpStep(secret.open(row.totp_secret), code, row.totp_step, now());
  }

  async #open(row: SignInRow, step: number): Promise<Session> {
    const { database, secret, now } = this.#parts;
    const token = randomBytes(32).toString('base64url');
    const expiresAt = now() + SESSION_SECONDS * 1000;
    const account = await database.write(async (queries) => {
      // Of two requests with one code the second finds the step taken; of many guesses at once those behind the fifth find it locked.
      const taken = await queries.run(
        `UPDATE accounts SET failures = 0, locked_until = 0, totp_step = ?
          WHERE id = ? AND locked_until <= ? AND (totp_confirmed_at IS NULL OR totp_step < ?)`,
        ...[step, row.id, now(), step],
      );
      if (taken === 0) throw wrong();
      const account = await findAccount(queries, row.id);
      requireActive(account);
      await queries.run('DELETE FROM sessions WHERE expires_at <= ?', now());
      await queries.run(
        'INSERT INTO sessions (digest, account_id, created_at, expires_at) VALUES (?, ?, ?, ?)',
        ...[secret.digest('session', token), row.id, now(), expiresAt],
      );
      return account;
    });
    return { token, csrf: this.#csrfOf(token), expiresAt, account };
  }

  /** Counts it where all processes see it. @returns what to throw */
  async #fail(id: string): Promise<AccountError> {
    const { database, now } = this.#parts;
    return await database.write(async (queries) => {
      await queries.run('UPDATE accounts SET failures = failures + 1 WHERE id = ?', id);
      const sql = 'SELECT failures FROM accounts WHERE id = ?';
      const failures = (await firstRow<{ failures: number }>(queries, sql, id))?.failures ?? 0;
      if (failures < FAILURES) return wrong();
      const seconds = Math.min(LOCK_SECONDS * 2 ** (failures - FAILURES), LONGEST_LOCK_SECONDS);
      await queries.run('UPDATE accounts SET locked_until = ? WHERE id = ?', now() + seconds * 1000, id);
      const recorder = { ...this.#parts, actor: { kind: 'nobody' } } as const;
      await record(queries, recorder, 'sign_in_locked', { kind: 'account', id }, { failures, seconds });
      return locked(seconds * 1000);
    });
  }

  #csrfOf(token: string): string {
    return this.#parts.secret.digest('csrf', token);
  }
}

const wrong = (): AccountError =>
  new AccountError('ACCOUNT_SIGN_IN', {
    en: 'the e-mail address, the password or the code is wrong',
    zh: '邮箱、密码或验证码不正确',
  });

const codeNeeded = (): AccountError =>
  new AccountError('ACCOUNT_CODE_NEEDED', {
    en: 'this account has a second factor: send its code too',
    zh: '该账户启用了两步验证：请同时发送验证码',
  });

function locked(milliseconds: number): AccountError {
  const seconds = Math.ceil(milliseconds / 1000);
  const message = {
    en: `too many failed sign-ins: try again in ${seconds} s`,
    zh: `登录失败次数过多：请在 ${seconds} 秒后再试`,
  };
  return new AccountError('ACCOUNT_LOCKED', message, { retryAfter: seconds });
}
