/** `GET /v1/models` and `GET /v1/models/{id}`: every model and every adapter, loaded or not. */
import type { ModelStatus } from '@tunan/inference';
import { type Model, modelListSchema, modelSchema } from '@tunan/protocol';
import { z } from 'zod';
import { findModel, type ServerContext, type ZodFastify } from '../context.ts';

export function addModelsRoute(app: ZodFastify, context: ServerContext): void {
  const { models, created } = context;
  app.get('/v1/models', { schema: { response: { 200: modelListSchema } } }, async ({ caller }) => {
    const statuses = models.statuses.filter(({ name }) => caller?.models?.includes(name) ?? true);
    return { object: 'list' as const, data: statuses.map((status) => cardOf(status, created)) };
  });
  const schema = { params: z.object({ id: z.string() }), response: { 200: modelSchema } };
  app.get('/v1/models/:id', { schema }, async ({ params, caller }) => {
    const id = findModel(context, params.id, caller);
    return cardOf(models.statuses.find(({ name }) => name === id)!, created);
  });
}

function cardOf({ name, parent, contextLength, state }: ModelStatus, created: number): Model {
  const family = parent === undefined ? {} : { root: parent, parent };
  return { id: name, object: 'model', created, owned_by: 'tunan', max_model_len: contextLength, ...family, state };
}
