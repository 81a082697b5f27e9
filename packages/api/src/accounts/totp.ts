/** One-time passwords by time (RFC 6238, with HOTP of RFC 4226): SHA-1, 30 seconds, six digits, as every authenticator program takes. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const STEP_SECONDS = 30;
const DIGITS = 6;
const SECRET_BYTES = 20;
/** Steps before and after that count too: clocks differ, and people are slow. */
const TOLERANCE = 1;
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Base 32 (RFC 4648), as programs show it. */
export function newTotpSecret(): string {
  const bits = [...randomBytes(SECRET_BYTES)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((five) => BASE32[Number.parseInt(five, 2)]).join('');
}

/** What a program takes as a picture. */
export function totpAddress(secret: string, account: string): string {
  const label = encodeURIComponent(`tunan:${account}`);
  return `otpauth://totp/${label}?secret=${secret}&issuer=tunan&algorithm=SHA1&digits=${DIGITS}&period=${STEP_SECONDS}`;
}

/**
 * @param after the last step that was used: a code counts once
 * @param now ms
 * @returns the step of the code; undefined where it is wrong
 */
export function totpStep(secret: string, code: string, after: number, now: number): number | undefined {
  const current = Math.floor(now / 1000 / STEP_SECONDS);
  const given = Buffer.from(code.replace(/\s/g, '').padEnd(DIGITS));
  let found: number | undefined;
  for (let step = Math.max(after + 1, current - TOLERANCE); step <= current + TOLERANCE; step++) {
    const expected = Buffer.from(totpCode(secret, step));
    const same = given.length === expected.length && timingSafeEqual(given, expected);
    if (same) found ??= step;
  }
  return found;
}

export function totpCode(secret: string, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac('sha1', bytesOf(secret)).update(counter).digest();
  const offset = digest[digest.length - 1]! & 0x0f;
  const number = digest.readUInt32BE(offset) & 0x7fffffff;
  return String(number % 10 ** DIGITS).padStart(DIGITS, '0');
}

function bytesOf(secret: string): Buffer {
  const bits = [...secret].map((letter) => BASE32.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)));
}
