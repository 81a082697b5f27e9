/**
 * The form of an API key: `sk-tunan-` (clients and scanners of secrets know `sk-`), eight characters that may be shown and find the key,
 * and forty that nobody but its owner ever sees: 238 bits.
 */
import { randomInt } from 'node:crypto';

const BEGINNING = 'sk-tunan-';
const SHOWN = 8;
const HIDDEN = 40;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const FORM = new RegExp(`^${BEGINNING}[A-Za-z0-9]{${SHOWN + HIDDEN}}$`);
const ANYWHERE = new RegExp(`${BEGINNING}[A-Za-z0-9]{${SHOWN},}`, 'g');

export function newApiKey(): string {
  return BEGINNING + Array.from({ length: SHOWN + HIDDEN }, () => LETTERS[randomInt(LETTERS.length)]).join('');
}

/** What of a key may be shown and logged; undefined where a text is no key. */
export function prefixOf(key: string): string | undefined {
  return FORM.test(key) ? key.slice(0, BEGINNING.length + SHOWN) : undefined;
}

export const holdsApiKey = (text: string): boolean => text.search(ANYWHERE) >= 0;

/** A text without the keys in it. */
export const withoutApiKeys = (text: string): string => text.replace(ANYWHERE, `${BEGINNING}…`);
