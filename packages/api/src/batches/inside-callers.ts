/**
 * Requests that the server asks itself, for a caller who is known already. They go the way of all others, but for the key: a word that only
 * this process knows stands in its place.
 */
import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from '../accounts/keys.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Asked by the server itself; `caller` is known then. */
    isInside: boolean;
  }
}

const HEADER = 'x-tunan-inside';

export class InsideCallers {
  readonly #callers = new Map<string, Caller | undefined>();

  /** To be added before keys are looked at. */
  watch(app: FastifyInstance): void {
    app.decorateRequest('isInside', false);
    app.addHook('onRequest', async (request: FastifyRequest) => {
      const word = request.headers[HEADER];
      if (typeof word !== 'string' || !this.#callers.has(word)) return;
      request.isInside = true;
      request.caller = this.#callers.get(word);
    });
  }

  /** @param ask is given the headers of requests for the caller, which count until it has ended */
  async as<T>(caller: Caller | undefined, ask: (headers: Readonly<Record<string, string>>) => Promise<T>): Promise<T> {
    const word = randomBytes(32).toString('hex');
    this.#callers.set(word, caller);
    try {
      return await ask({ [HEADER]: word });
    } finally {
      this.#callers.delete(word);
    }
  }
}
