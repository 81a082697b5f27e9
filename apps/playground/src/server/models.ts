/** The models that are served, and whether the server answers at all; looked up again when it has been away, or the key changes. */

import { effect, signal } from '@preact/signals';
import type { Model, ModelList } from '@tunan/protocol';
import { apiKey, needsKey } from './access.ts';
import { ask, ServerError } from './ask.ts';

export type ServerState =
  | { readonly kind: 'asking' | 'away' | 'ready' | 'key' }
  /** It answers, and refuses: a wrong key, say. */
  | { readonly kind: 'refused'; readonly message: string };

export const models = signal<readonly Model[]>([]);
export const serverState = signal<ServerState>({ kind: 'asking' });

const AGAIN_MILLISECONDS = 2_000;
let timer: ReturnType<typeof setTimeout> | undefined;

/** To be called too when a request has met no server. */
export async function lookAtServer(): Promise<void> {
  clearTimeout(timer);
  if (needsKey()) {
    serverState.value = { kind: 'key' };
    return;
  }
  try {
    const key = apiKey.peek();
    const headers = key === '' ? {} : { authorization: `Bearer ${key}` };
    models.value = (await ask<ModelList>('v1/models', { headers })).data;
    serverState.value = { kind: 'ready' };
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    const isAway = error.status === undefined || error.status >= 500;
    serverState.value = isAway ? { kind: 'away' } : { kind: 'refused', message: error.message };
    if (isAway) timer = setTimeout(() => void lookAtServer(), AGAIN_MILLISECONDS);
  }
}

effect(() => {
  apiKey.value; // a new key, a new look
  void lookAtServer();
});
addEventListener('online', () => void lookAtServer());
