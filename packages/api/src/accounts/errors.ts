/** What can go wrong with accounts and keys; one class, told apart by `code`. error-table.ts makes answers of them. */
import { type Said, UserMistake } from '@tunan/files';

export type AccountErrorCode =
  /** A value that is none: a name too long, a date in the past. `field` names it. */
  | 'ACCOUNT_BAD_VALUE'
  | 'ACCOUNT_NOT_FOUND'
  /** There is one of that name or address already. */
  | 'ACCOUNT_EXISTS'
  /** It cannot be done as things stand, such as approving twice. */
  | 'ACCOUNT_STATE'
  /** A wrong address, password or code; nobody learns which. */
  | 'ACCOUNT_SIGN_IN'
  /** The password is right, and a code of the second factor is missing. */
  | 'ACCOUNT_CODE_NEEDED'
  /** Too many failures: `retryAfter` seconds. */
  | 'ACCOUNT_LOCKED'
  /** An API key that is unknown, expired or revoked. */
  | 'ACCOUNT_KEY'
  /** The account, or its organisation, is suspended: nothing of it is taken until it is reinstated. */
  | 'ACCOUNT_SUSPENDED'
  /** The secret of the server is not the one under which the keys of this database were made. */
  | 'ACCOUNT_SECRET';

export class AccountError extends UserMistake<AccountErrorCode> {
  readonly field: string | undefined;
  /** Seconds. */
  readonly retryAfter: number | undefined;

  constructor(
    code: AccountErrorCode,
    message: Said,
    options: ErrorOptions & { readonly field?: string; readonly retryAfter?: number } = {},
  ) {
    super(code, message, options);
    this.field = options.field;
    this.retryAfter = options.retryAfter;
  }
}

export const notFound = (en: string, zh: string): AccountError =>
  new AccountError('ACCOUNT_NOT_FOUND', { en: `there is no ${en}`, zh: `没有${zh}` });

/** @param en goes on behind «the API key» */
export const keyRefused = (en: string, zh: string): AccountError =>
  new AccountError('ACCOUNT_KEY', {
    en: `the API key ${en}: send the header Authorization: Bearer KEY with a key of this server`,
    zh: `API 密钥${zh}：请用请求头 Authorization: Bearer KEY 发送本服务器的有效密钥`,
  });

/** @param isRunning an answer had begun */
export function suspended(what: 'account' | 'organisation', isRunning = false): AccountError {
  const en = what === 'account' ? 'the account' : 'the organisation of this account';
  const zh = what === 'account' ? '该账户' : '该账户所属的机构';
  return new AccountError('ACCOUNT_SUSPENDED', {
    en: `${en} ${isRunning ? 'was suspended while the answer ran' : 'is suspended'}: ask whoever operates this server`,
    zh: `${zh}${isRunning ? '已在回答期间被停用' : '已被停用'}：请联系本服务器的运营者`,
  });
}
