/** `GET /healthz`: that the server answers, and how busy it is. */
import { type ServerContext, totalOccupancy, type ZodFastify } from '../context.ts';

export function addHealthRoute(app: ZodFastify, context: ServerContext): void {
  app.get('/healthz', async () => ({ status: 'ok', ...totalOccupancy(context) }));
}
