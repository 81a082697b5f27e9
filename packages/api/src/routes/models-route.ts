/** `GET /v1/models` and `GET /v1/models/{id}`. */
import { modelListSchema, modelSchema } from '@tunan/protocol';
import { z } from 'zod';
import { findModel, type ServerContext, type ZodFastify } from '../context.ts';

export function addModelsRoute(app: ZodFastify, context: ServerContext): void {
  app.get('/v1/models', { schema: { response: { 200: modelListSchema } } }, async () => {
    return { object: 'list' as const, data: [...context.models.values()].map(({ card }) => card) };
  });
  const schema = { params: z.object({ id: z.string() }), response: { 200: modelSchema } };
  app.get('/v1/models/:id', { schema }, async (request) => findModel(context, request.params.id).card);
}
