/** `GET /healthz`: that the server answers, how busy it is, and who computes which model. */
import { type ServerContext, totalOccupancy, type ZodFastify } from '../context.ts';

export function addHealthRoute(app: ZodFastify, context: ServerContext): void {
  app.get('/healthz', async () => ({
    status: 'ok',
    ...totalOccupancy(context),
    models: [...context.models].map(([id, { engine }]) => ({
      id,
      engine: engine.kind,
      ...(engine.device !== undefined && { device: engine.device }),
    })),
  }));
}
