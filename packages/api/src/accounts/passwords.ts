/**
 * Passwords as scrypt keeps them (RFC 7914): `scrypt$N$r$p$salt$hash`, so that the cost may rise and old ones still be checked.
 *
 * A check takes memory and tens of milliseconds in a thread of libuv. Only a few run at a time, and only some wait, so that a flood of
 * sign-ins costs itself its answers and not the models their cores.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { AccountError } from './errors.ts';

/** As OWASP's cheat sheet gives them: 32 MiB. */
const COST = { N: 2 ** 15, r: 8, p: 3 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const SHORTEST = 12;
const LONGEST = 256;

/** Of one check, bytes: room for a cost eight times today's. */
const MOST_MEMORY = 2 ** 29;
const AT_ONCE = 2;
const WAITING = 32;

export class Passwords {
  readonly #cost: typeof COST;
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  /** What an unknown address is checked against, so that it takes as long as a known one. */
  #nobody: Promise<string> | undefined;

  /** @param cost N of scrypt; tests take a smaller one */
  constructor(cost: number = COST.N) {
    this.#cost = { ...COST, N: cost };
  }

  async hash(password: string): Promise<string> {
    const { N, r, p } = this.#cost;
    const salt = randomBytes(SALT_BYTES);
    const hash = await this.#derive(password, salt, this.#cost);
    return ['scrypt', N, r, p, salt.toString('base64url'), hash.toString('base64url')].join('$');
  }

  /** @param stored undefined where nobody has that address: false, as slowly */
  async matches(password: string, stored: string | undefined): Promise<boolean> {
    this.#nobody ??= this.hash(randomPassword());
    const [, N, r, p, salt = '', hash = ''] = (stored ?? (await this.#nobody)).split('$');
    const expected = Buffer.from(hash, 'base64url');
    const cost = { N: Number(N), r: Number(r), p: Number(p) };
    const given = await this.#derive(password.slice(0, LONGEST), Buffer.from(salt, 'base64url'), cost);
    return given.length === expected.length && timingSafeEqual(given, expected) && stored !== undefined;
  }

  async #derive(password: string, salt: Buffer, { N, r, p }: typeof COST): Promise<Buffer> {
    await this.#enter();
    try {
      return await new Promise<Buffer>((resolve, reject) => {
        const options = { N, r, p, maxmem: MOST_MEMORY };
        scrypt(password.normalize('NFKC'), salt, HASH_BYTES, options, (error, key) =>
          error === null ? resolve(key) : reject(error),
        );
      });
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < AT_ONCE) {
      this.#running++;
      return;
    }
    if (this.#waiting.length >= WAITING) {
      const message = { en: 'too many sign-ins at once: try again', zh: '同时登录过多：请重试' };
      throw new AccountError('ACCOUNT_LOCKED', message, { retryAfter: 5 });
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** @throws AccountError ACCOUNT_BAD_VALUE */
export function requireGoodPassword(password: string, field: string): void {
  const length = [...password].length;
  if (length >= SHORTEST && length <= LONGEST) return;
  const message = {
    en: `the password has ${length} characters: from ${SHORTEST} to ${LONGEST} are taken, any of them`,
    zh: `密码有 ${length} 个字符：应为 ${SHORTEST} 到 ${LONGEST} 个，字符不限`,
  };
  throw new AccountError('ACCOUNT_BAD_VALUE', message, { field });
}

export const randomPassword = (): string => randomBytes(15).toString('base64url');
