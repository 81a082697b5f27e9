/**
 * `GET /readyz`: whether a request would be answered now: 200, or 503 with what is missing. For load balancers and orchestrators; /healthz
 * says that the process lives.
 *
 * A model is there when it is in memory, or can be loaded, or a server behind is not left out. The database of accounts must answer.
 */
import type { ModelStatus } from '@tunan/inference';
import type { Accounts } from '../accounts/accounts.ts';
import type { ServerContext, ZodFastify } from '../context.ts';

/** @param isClosing whether the server closes */
export function addReadyRoute(
  app: ZodFastify,
  { models }: ServerContext,
  accounts: Accounts | undefined,
  isClosing: () => boolean,
): void {
  app.get('/readyz', async (_request, reply) => {
    const missing = [
      ...(isClosing() ? ['closing'] : []),
      ...(models.statuses.some(canAnswer) ? [] : ['models']),
      ...((await answers(accounts)) ? [] : ['accounts']),
    ];
    reply.header('cache-control', 'no-store');
    if (missing.length === 0) return { status: 'ready' };
    return reply.code(503).header('retry-after', '1').send({ status: 'not ready', missing });
  });
}

/** Of a remote engine without workers' states nothing is known, and nothing against it. */
function canAnswer({ engine }: ModelStatus): boolean {
  return engine?.workers?.some(({ state }) => state === 'up') ?? true;
}

async function answers(accounts: Accounts | undefined): Promise<boolean> {
  try {
    await accounts?.database.rows('SELECT 1 AS one');
    return true;
  } catch {
    return false; // the reason is the operator's, who finds it in the log of what failed
  }
}
