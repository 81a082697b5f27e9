/** `GET /metrics`: the sums of the telemetry as Prometheus reads them. */
import { type ServerContext, totalOccupancy, type ZodFastify } from '../context.ts';

export function addMetricsRoute(app: ZodFastify, context: ServerContext): void {
  app.get('/metrics', async (_request, reply) => {
    const engines = [...context.models.values()].map(({ engine }) => engine);
    const kept = engines.reduce((sum, { prefixCache }) => sum + (prefixCache?.keptBytes ?? 0), 0);
    const text = context.telemetry.exposition(totalOccupancy(context), kept);
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text);
  });
}
