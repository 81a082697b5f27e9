/**
 * The secret of the server, under which digests of API keys and sessions are made and second factors sealed. Who has the database alone can
 * neither use a key nor try one out.
 *
 * It comes from the environment (`TUNAN_ACCOUNTS_SECRET`), or lies beside the database file, `FILE.secret`, for its owner alone to read. The
 * database holds a digest of it, so that a lost or foreign secret is told at the start, and not as keys that are unknown all at once.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { systemProblem } from '@tunan/files';
import { type Database, firstRow, type Queries } from '../storage/database.ts';
import { DATABASE, record } from './audit-trail.ts';
import { AccountError } from './errors.ts';

const SECRET_VARIABLE = 'TUNAN_ACCOUNTS_SECRET';
const SHORTEST = 32;
const CHECK = 'secret_check';

export class ServerSecret {
  /** As an object: made anew of its bytes for every digest it takes ten times as long. */
  readonly #digesting: KeyObject;
  readonly #sealing: Buffer;

  constructor(text: string) {
    const derived = (purpose: string) => Buffer.from(hkdfSync('sha256', text, '', `tunan ${purpose}`, 32));
    this.#digesting = createSecretKey(derived('digests'));
    this.#sealing = derived('seals');
  }

  /** HMAC-SHA-256, hexadecimal. @param purpose keeps digests of one kind from being taken for another's */
  digest(purpose: 'key' | 'session' | 'csrf' | 'check', text: string): string {
    return createHmac('sha256', this.#digesting).update(`${purpose}\0${text}`).digest('hex');
  }

  /** AES-256-GCM, base64. */
  seal(text: string): string {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#sealing, nonce);
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
  }

  /** @throws Error where it was sealed under another secret, or changed */
  open(sealed: string): string {
    const bytes = Buffer.from(sealed, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', this.#sealing, bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(12, 28));
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
  }
}

/** Whether two digests are the same, in a time that says nothing of where they differ. */
export function sameDigest(a: string, b: string): boolean {
  const [first, second] = [Buffer.from(a), Buffer.from(b)];
  return first.length === second.length && timingSafeEqual(first, second);
}

/** The secret that belongs to a database; made where there is none yet. @throws AccountError ACCOUNT_SECRET */
export async function readServerSecret(database: Database, environment = process.env): Promise<ServerSecret> {
  const known = await firstRow<{ value: string }>(database, 'SELECT value FROM settings WHERE name = ?', CHECK);
  const given = environment[SECRET_VARIABLE];
  const secret = new ServerSecret(given === undefined ? fileSecret(database, known !== undefined) : checked(given));
  const check = secret.digest('check', '');
  if (known === undefined) await database.write((queries) => noteCheck(queries, check));
  const now = await firstRow<{ value: string }>(database, 'SELECT value FROM settings WHERE name = ?', CHECK);
  if (now !== undefined && sameDigest(now.value, check)) return secret;
  throw lost(database, given === undefined ? `${database.name}.secret` : SECRET_VARIABLE);
}

/**
 * Makes do without the old secret: all keys are revoked, all sessions ended, second factors taken off. Passwords stay.
 * The next start takes the secret that is there then, or makes one.
 * @returns keys that were revoked
 */
export async function forgetServerSecret(database: Database, now: number): Promise<number> {
  return await database.write(async (queries) => {
    await queries.run('DELETE FROM settings WHERE name = ?', CHECK);
    await queries.run('DELETE FROM sessions');
    await queries.run('UPDATE accounts SET totp_secret = NULL, totp_confirmed_at = NULL');
    const keys = await queries.run('UPDATE keys SET revoked_at = ? WHERE revoked_at IS NULL', now);
    const recorder = { now: () => now, actor: { kind: 'command' }, auditDays: undefined } as const;
    await record(queries, recorder, 'secret_forgotten', DATABASE, { keys });
    return keys;
  });
}

async function noteCheck(queries: Queries, check: string): Promise<void> {
  const insert = 'INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING';
  await queries.run(insert, CHECK, check);
}

function checked(secret: string): string {
  if (secret.length >= SHORTEST) return secret;
  throw new AccountError('ACCOUNT_SECRET', {
    en: `${SECRET_VARIABLE} has ${secret.length} characters: give at least ${SHORTEST}, such as the output of openssl rand -hex 32`,
    zh: `${SECRET_VARIABLE} 只有 ${secret.length} 个字符：至少需要 ${SHORTEST} 个，例如 openssl rand -hex 32 的输出`,
  });
}

function fileSecret(database: Database, mustExist: boolean): string {
  if (database.kind === 'postgres') {
    throw new AccountError('ACCOUNT_SECRET', {
      en: `with PostgreSQL the secret of the server comes from ${SECRET_VARIABLE}: set it to the same text for every process, such as the output of openssl rand -hex 32, and keep it`,
      zh: `使用 PostgreSQL 时，服务器密钥取自环境变量 ${SECRET_VARIABLE}：请为所有进程设为同一段文本，例如 openssl rand -hex 32 的输出，并妥善保存`,
    });
  }
  const file = `${database.name}.secret`;
  try {
    return readSecretFile(file) ?? (mustExist ? raise(lost(database, file)) : makeSecretFile(file));
  } catch (error) {
    const why = systemProblem(error);
    if (why === undefined) throw error;
    const message = { en: `${file} cannot be used: ${why.en}`, zh: `无法使用 ${file}：${why.zh}` };
    throw new AccountError('ACCOUNT_SECRET', message, { cause: error });
  }
}

/** Undefined where there is no file. */
function readSecretFile(file: string): string | undefined {
  const about = statSync(file, { throwIfNoEntry: false });
  if (about === undefined) return undefined;
  if (process.platform !== 'win32' && (about.mode & 0o077) !== 0) {
    throw new AccountError('ACCOUNT_SECRET', {
      en: `${file} can be read by others: chmod 600 ${file}`,
      zh: `${file} 可被其他用户读取：请执行 chmod 600 ${file}`,
    });
  }
  // Another process may be writing it just now.
  for (let attempt = 0; attempt < 50; attempt++) {
    const text = readFileSync(file, 'utf8').trim();
    if (text.length >= SHORTEST) return text;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
  throw new AccountError('ACCOUNT_SECRET', {
    en: `${file} holds no secret: restore it, or remove it where no key has been made yet`,
    zh: `${file} 中没有密钥：请恢复该文件；若还未创建过密钥，可将其删除`,
  });
}

function makeSecretFile(file: string): string {
  const secret = randomBytes(32).toString('hex');
  let descriptor: number;
  try {
    descriptor = openSync(file, 'wx', 0o600);
  } catch (error) {
    const other = (error as NodeJS.ErrnoException).code === 'EEXIST' ? readSecretFile(file) : undefined;
    if (other === undefined) throw error;
    return other;
  }
  try {
    writeSync(descriptor, `${secret}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  chmodSync(file, 0o600);
  return secret;
}

function lost(database: Database, place: string): AccountError {
  return new AccountError('ACCOUNT_SECRET', {
    en: `the secret of the server (${place}) is missing or not that of ${database.name}: put it back; if it is lost, tunan account forget-secret revokes all keys and goes on without it`,
    zh: `服务器密钥（${place}）缺失，或不属于 ${database.name}：请放回原来的密钥；若已丢失，tunan account forget-secret 会吊销全部 API 密钥后继续`,
  });
}

function raise(error: Error): never {
  throw error;
}
