/** Files and batches of a server that has a folder for them: the routes, and what runs them while it is up. */
import type { ModelPool } from '@tunan/inference';
import type { Accounts } from '../accounts/accounts.ts';
import { AccountError } from '../accounts/errors.ts';
import { BatchRunner } from '../batches/batch-runner.ts';
import type { BatchStore, OwnedBatch } from '../batches/batch-store.ts';
import type { InsideCallers } from '../batches/inside-callers.ts';
import type { ZodFastify } from '../context.ts';
import { addBatchesRoutes } from './batches-routes.ts';
import { addFilesRoutes } from './files-routes.ts';

export interface BatchParts {
  readonly store: BatchStore;
  readonly inside: InsideCallers;
  readonly models: ModelPool;
  readonly accounts: Accounts | undefined;
  readonly onFailure: (error: unknown, id: string) => void;
}

export function addBatches(app: ZodFastify, { store, inside, models, accounts, onFailure }: BatchParts): void {
  const runner = new BatchRunner(store, {
    ask: (owned, line, signal) =>
      inside.as(owned.caller, async (headers) => {
        const reply = await app.inject({ method: 'POST', url: line.url, payload: line.body, headers, signal });
        const wait = Number(reply.headers['retry-after']);
        return {
          status: reply.statusCode,
          requestId: String(reply.headers['x-request-id']),
          body: reply.json(),
          retryAfterSeconds: Number.isFinite(wait) ? wait : undefined,
        };
      }),
    isBusy: () => models.statuses.some(({ occupancy, waitingRequests }) => occupancy.waiting + waitingRequests > 0),
    refusal: (owned) => refusalOf(owned, accounts),
    onFailure,
  });
  addFilesRoutes(app, store);
  addBatchesRoutes(app, store, runner);
  app.addHook('onReady', async () => runner.start());
  app.addHook('preClose', () => runner.close());
}

/** A batch goes on for as long as the key that began it would be taken. */
async function refusalOf({ caller }: OwnedBatch, accounts: Accounts | undefined): Promise<string | undefined> {
  if (accounts === undefined) return undefined;
  if (caller === undefined) return 'it was made before there were accounts';
  try {
    await accounts.keys.requireUsable(caller.keyId);
    return undefined;
  } catch (error) {
    if (error instanceof AccountError) return error.message;
    throw error;
  }
}
