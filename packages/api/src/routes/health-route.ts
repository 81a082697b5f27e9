/** `GET /healthz`: that the server answers, how busy it is, who computes which model, and how many workers it has. */
import type { ModelStatus } from '@tunan/inference';
import { type ServerContext, totalOccupancy, type ZodFastify } from '../context.ts';
import { workerCounts } from '../model-metrics.ts';

export function addHealthRoute(app: ZodFastify, context: ServerContext): void {
  app.get('/healthz', async () => ({
    status: 'ok',
    ...totalOccupancy(context),
    models: context.models.statuses.map(healthOf),
  }));
}

/** Of servers behind there is no address: this page is open to all. */
function healthOf({ name, parent, kind, device, state, occupancy, engine }: ModelStatus) {
  return {
    ...{ id: name, engine: kind },
    ...(parent !== undefined && { parent }),
    ...(device !== undefined && { device }),
    ...{ state, ...occupancy },
    ...(engine?.workers !== undefined && { workers: workerCounts(engine.workers) }),
  };
}
