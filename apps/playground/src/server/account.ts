/** Who has signed in, where accounts are on; and requests below `/accounts` in that person's name. */

import { effect, signal } from '@preact/signals';
import type { SessionBody } from '@tunan/protocol';
import { kept } from '../kept.ts';
import { access } from './access.ts';
import { type Asked, ask, ServerError } from './ask.ts';

export type Session = SessionBody;
export type Role = Session['account']['role'];

/** Somebody has signed in with this browser: the cookie itself is not to be read by scripts. */
const hasSignedIn = kept('signed-in', false, (value): value is boolean => typeof value === 'boolean');

/** `undefined`: not yet known. `null`: nobody has signed in, or the server has no accounts. */
export const session = signal<Session | null | undefined>(
  access === 'accounts' && hasSignedIn.peek() ? undefined : null,
);
effect(() => {
  if (session.value !== undefined) hasSignedIn.value = session.value !== null;
});

/** Asked once, by the first that wants to know. @throws ServerError */
export async function findSession(): Promise<void> {
  if (session.peek() !== undefined) return;
  try {
    session.value = await ask<Session>('accounts/session');
  } catch (error) {
    if (!(error instanceof ServerError) || error.status !== 401) throw error;
    session.value = null;
  }
}

/** @throws ServerError */
export async function signIn(email: string, password: string, code?: string): Promise<void> {
  session.value = await ask<Session>('accounts/session', {
    method: 'POST',
    body: { email, password, ...(code !== undefined && code !== '' && { code }) },
  });
}

/** @throws ServerError */
export async function signOut(): Promise<void> {
  await askAccount('session', { method: 'DELETE' });
  session.value = null;
}

/**
 * `askAccount<KeyList>('keys')`, `askAccount('keys', { method: 'POST', body })`. A session that has ended is noticed: then nobody is
 * signed in, and the page shows that.
 * @param path behind `/accounts/` @throws ServerError
 */
export async function askAccount<T>(path: string, asked: Asked = {}): Promise<T> {
  const csrf = session.peek()?.csrf_token;
  try {
    return await ask<T>(`accounts/${path}`, {
      ...asked,
      headers: { ...(csrf !== undefined && { 'x-csrf-token': csrf }), ...asked.headers },
    });
  } catch (error) {
    if (error instanceof ServerError && error.status === 401) session.value = null;
    throw error;
  }
}

/** Each may do what those before may. */
export function mayBe(role: Role): boolean {
  const held = session.value?.account.role;
  if (held === undefined) return false;
  const order: readonly Role[] = ['user', 'reviewer', 'admin'];
  return order.indexOf(held) >= order.indexOf(role);
}
