/**
 * Responses that are kept, so that later requests ask for them or go on from them. Each belongs to an owner, has the whole conversation to
 * which it is the answer, and is forgotten after a while, whether anybody asks or not.
 *
 * Numbers begin with the second in which they were made: where one lies, and whether its time is over, needs no index.
 */
import { randomBytes } from 'node:crypto';
import type { InputItem, ResponseBody } from '@tunan/protocol';

export interface StoredResponse {
  readonly owner: string;
  /** What it answers, earlier answers included. */
  readonly items: readonly InputItem[];
  readonly response: ResponseBody;
}

export interface ResponseStore {
  put(stored: StoredResponse): Promise<void>;
  /** @param id as a caller gave it */
  get(owner: string, id: string): Promise<StoredResponse | undefined>;
  /** Whether there was one. */
  delete(owner: string, id: string): Promise<boolean>;
}

/** 8 hexadecimal digits of Unix time, 24 random ones. */
export function newNumber(seconds: number): string {
  return seconds.toString(16).padStart(8, '0') + randomBytes(12).toString('hex');
}

/** When a response was made, Unix time in seconds; undefined for what is no id of one. */
export function madeAt(id: string): number | undefined {
  const digits = /^resp_([0-9a-f]{8})[0-9a-f]{24}$/.exec(id)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

/** The response to which a message belongs, as question or answer. */
export const responseOfMessage = (id: string): string | undefined =>
  /^msg_([0-9a-f]{32})(?:_\d+)?$/.exec(id)?.[1]?.replace(/^/, 'resp_');
