/** `GET /metrics`: the sums of the telemetry as Prometheus reads them. */

import type { ServerContext, ZodFastify } from '../context.ts';
import { safetyMetrics } from '../safety/safety-metrics.ts';

export function addMetricsRoute(app: ZodFastify, context: ServerContext): void {
  app.get('/metrics', async (_request, reply) => {
    const text = context.telemetry.exposition(context.models.statuses);
    const found = safetyMetrics(context.safety?.counts ?? []).map((line) => `${line}\n`);
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text + found.join(''));
  });
}
