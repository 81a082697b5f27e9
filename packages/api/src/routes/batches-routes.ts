/** `/v1/batches`: begin, look, cancel. What runs them: batches/batch-runner.ts. */
import { randomUUID } from 'node:crypto';
import { type Batch, batchListSchema, batchRequestSchema, batchSchema } from '@tunan/protocol';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { BatchRunner } from '../batches/batch-runner.ts';
import { BATCH_LIMITS, type BatchStore, isOpenOf, seconds } from '../batches/batch-store.ts';
import { ownerOf, type ZodFastify } from '../context.ts';
import { RequestError } from '../errors/request-error.ts';
import { requireRoute } from '../sign-in.ts';
import { findFile } from './files-routes.ts';

const params = z.object({ id: z.string() });

export function addBatchesRoutes(app: ZodFastify, store: BatchStore, runner: BatchRunner): void {
  const making = { body: batchRequestSchema, response: { 200: batchSchema } };
  app.post('/v1/batches', { schema: making }, async (request) => {
    const { input_file_id, endpoint, completion_window, metadata = null } = request.body;
    const owner = ownerOf(request);
    requireRoute(request.caller, endpoint);
    findFile(store, request, input_file_id);
    if (store.batches(owner).filter(({ batch }) => isOpenOf(batch)).length >= BATCH_LIMITS.openBatches) throw tooMany();
    const batch: Batch = {
      ...{ id: `batch_${randomUUID().replaceAll('-', '')}`, object: 'batch', endpoint, errors: null },
      ...{ input_file_id, completion_window, metadata, status: 'in_progress', created_at: seconds() },
      ...{ output_file_id: null, error_file_id: null, in_progress_at: null, expires_at: null, finalizing_at: null },
      ...{ completed_at: null, failed_at: null, expired_at: null, cancelling_at: null, cancelled_at: null },
      request_counts: { total: 0, completed: 0, failed: 0 },
    };
    return runner.add({ owner, caller: request.caller, batch });
  });

  app.get('/v1/batches', { schema: { response: { 200: batchListSchema } } }, async (request) => {
    const data = store.batches(ownerOf(request)).map(({ batch }) => batch);
    return { object: 'list' as const, data: data.reverse(), has_more: false };
  });

  const looking = { params, response: { 200: batchSchema } };
  app.get('/v1/batches/:id', { schema: looking }, async (request) => find(store, request, request.params.id));

  app.post('/v1/batches/:id/cancel', { schema: looking }, async (request) => {
    const { id } = find(store, request, request.params.id);
    const owned = store.known(id)!;
    if (owned.batch.status === 'in_progress') return runner.cancel(owned);
    if (owned.batch.status === 'cancelling') return owned.batch;
    const { status } = owned.batch;
    throw new RequestError('conflict', { en: `the batch is ${status} already`, zh: `该批处理已是 ${status}` }, 'id');
  });
}

/** @throws RequestError */
function find(store: BatchStore, request: FastifyRequest, id: string): Batch {
  const found = store.batch(ownerOf(request), id);
  if (found !== undefined) return found;
  throw new RequestError('notFound', { en: `there is no batch '${id}'`, zh: `没有批处理“${id}”` }, 'id');
}

function tooMany(): RequestError {
  const message = {
    en: `${BATCH_LIMITS.openBatches} batches are open already: wait for one to end, or cancel it`,
    zh: `已有 ${BATCH_LIMITS.openBatches} 个批处理在进行：请等其中一个结束，或取消它`,
  };
  return new RequestError('conflict', message);
}
