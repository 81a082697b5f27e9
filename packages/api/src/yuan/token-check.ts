/**
 * Whose request a token of Yuan's protocol is. The token is the md5 of account, telephone number and day: the number is the secret, and a
 * poor one, so that where callers need keys nobody calls in this way unless the operator has said whose numbers count.
 *
 * Where everyone may call, tokens are not looked at. Guessing is slowed down by address.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { yuanTokenText } from '@tunan/protocol';
import type { Accounts } from '../accounts/accounts.ts';
import { AccountError } from '../accounts/errors.ts';
import type { Caller } from '../accounts/keys.ts';

/** Numbers by account, or `stored`: e-mail addresses and telephone numbers of the accounts of this server. */
export type YuanAccounts = ReadonlyMap<string, string> | 'stored';

export interface TokenCheck {
  /** Whether everyone may call without. */
  readonly isOpen: boolean;
  /** Nobody where absent, unless everyone may. */
  readonly known: YuanAccounts | undefined;
  /** Where accounts are on, an account of the list is one of them: what it uses is counted there. */
  readonly accounts: Accounts | undefined;
}

/** Clocks differ, and a day ends while a request is under way. */
const MARGIN_MILLISECONDS = 5 * 60_000;
const MOST_FAILURES = 30;
const FAILURE_MILLISECONDS = 10 * 60_000;
const MOST_ADDRESSES = 10_000;

export type Verdict = { readonly caller: Caller | undefined } | { readonly refused: string };

export class TokenChecker {
  readonly #check: TokenCheck;
  readonly #failures = new Map<string, { count: number; readonly until: number }>();

  constructor(check: TokenCheck) {
    this.#check = check;
  }

  /** @param address whom failures are counted for @returns who calls, or why not */
  async verify(account: string, token: string, address: string, now = Date.now()): Promise<Verdict> {
    const { isOpen, known, accounts } = this.#check;
    if (isOpen) return { caller: undefined };
    if (known === undefined) {
      return { refused: 'the operator has not said whose telephone numbers count: tunan serve --yuan-accounts' };
    }
    const failed = this.#failures.get(address);
    if (failed !== undefined && failed.until > now && failed.count >= MOST_FAILURES) {
      return { refused: 'too many wrong tokens from this address: wait ten minutes' };
    }
    const member = accounts === undefined ? undefined : await find(accounts, account);
    const phone = known === 'stored' ? member?.phone : known.get(account);
    const isRight = isTokenOf(account, phone ?? '', token, now) && phone !== undefined;
    if (!isRight || (accounts !== undefined && member === undefined)) {
      this.#fail(address, now);
      return { refused: 'the token is the md5 of account, telephone number and the day in Shanghai (YYYY-MM-DD)' };
    }
    if (member === undefined) return { caller: undefined };
    if (member.suspendedAt !== undefined || member.organisationSuspendedAt !== undefined) {
      return { refused: 'the account, or its organisation, is suspended: ask whoever operates this server' };
    }
    const ids = { organisationId: member.organisationId, accountId: member.id, keyId: `yuan:${member.id}` };
    return { caller: { ...ids, models: undefined, routes: undefined } };
  }

  #fail(address: string, now: number): void {
    const before = this.#failures.get(address);
    const isOver = before === undefined || before.until <= now;
    this.#failures.delete(address);
    this.#failures.set(
      address,
      isOver ? { count: 1, until: now + FAILURE_MILLISECONDS } : { ...before, count: before.count + 1 },
    );
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > MOST_ADDRESSES && oldest !== undefined) this.#failures.delete(oldest);
  }
}

function isTokenOf(account: string, phone: string, token: string, now: number): boolean {
  const given = Buffer.from(/^[0-9a-f]{32}$/i.test(token) ? token.toLowerCase() : '0'.repeat(32));
  const moments = [now, now - MARGIN_MILLISECONDS, now + MARGIN_MILLISECONDS];
  const right = moments.map((moment) =>
    timingSafeEqual(given, Buffer.from(md5(yuanTokenText(account, phone, moment)))),
  );
  return right.includes(true);
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

/** Undefined where there is none. */
async function find({ members }: Accounts, account: string) {
  try {
    return await members.find(account);
  } catch (error) {
    if (error instanceof AccountError && error.code === 'ACCOUNT_NOT_FOUND') return undefined;
    throw error;
  }
}
