/** `/v1/files` and `/v1/batches`: many requests in a file, one a line, answered when there is room, and their answers in another file. */
import { z } from 'zod';
import { optional } from './field.ts';
import { inBoth } from './mistakes/said.ts';

/** Routes that a batch may call. */
const BATCH_ENDPOINTS = ['/v1/completions', '/v1/chat/completions', '/v1/responses', '/v1/embeddings'] as const;
/** Lines of a batch. */
export const MOST_BATCH_LINES = 10_000;

const moment = z.int().nullable();

export const fileSchema = z.object({
  id: z.string(),
  object: z.literal('file'),
  bytes: z.int(),
  created_at: z.int().describe(inBoth('Unix time, seconds.', 'Unix 时间，秒。')),
  filename: z.string(),
  purpose: z.string().describe(inBoth('batch, or batch_output of a batch.', 'batch，或批处理产生的 batch_output。')),
  status: z.literal('processed'),
});
export const fileListSchema = z.object({ object: z.literal('list'), data: z.array(fileSchema), has_more: z.boolean() });
export const fileDeletedSchema = z.object({ id: z.string(), object: z.literal('file'), deleted: z.literal(true) });

export const batchRequestSchema = z.object({
  input_file_id: z.string().describe(inBoth('A file of purpose batch.', '用途为 batch 的文件。')),
  endpoint: z.enum(BATCH_ENDPOINTS).describe(inBoth('What every line calls.', '每行所调用的路由。')),
  completion_window: z
    .literal('24h')
    .describe(inBoth('What is not answered by then is left.', '到时仍未应答的请求不再处理。')),
  metadata: optional(z.record(z.string(), z.string()), 'Given back.', '原样返回。'),
});

/** A line of the input. */
export const batchLineSchema = z.object({
  custom_id: z.string().min(1).max(256),
  method: z.literal('POST'),
  url: z.enum(BATCH_ENDPOINTS),
  body: z.record(z.string(), z.unknown()),
});

export const batchSchema = z.object({
  id: z.string(),
  object: z.literal('batch'),
  endpoint: z.string(),
  errors: z
    .object({
      object: z.literal('list'),
      data: z.array(
        z.object({ code: z.string(), message: z.string(), param: z.string().nullable(), line: z.int().nullable() }),
      ),
    })
    .nullable(),
  input_file_id: z.string(),
  completion_window: z.string(),
  status: z.enum(['failed', 'in_progress', 'finalizing', 'completed', 'expired', 'cancelling', 'cancelled']),
  output_file_id: z
    .string()
    .nullable()
    .describe(inBoth('Answers with status 200, once it has ended.', '结束后，状态码为 200 的应答。')),
  error_file_id: z.string().nullable().describe(inBoth('The others.', '其余应答。')),
  created_at: z.int(),
  in_progress_at: moment,
  expires_at: moment,
  finalizing_at: moment,
  completed_at: moment,
  failed_at: moment,
  expired_at: moment,
  cancelling_at: moment,
  cancelled_at: moment,
  request_counts: z.object({ total: z.int(), completed: z.int(), failed: z.int() }),
  metadata: z.record(z.string(), z.string()).nullable(),
});
export const batchListSchema = z.object({
  object: z.literal('list'),
  data: z.array(batchSchema),
  has_more: z.boolean(),
});

export type StoredFile = z.infer<typeof fileSchema>;
export type Batch = z.infer<typeof batchSchema>;
export type BatchLine = z.infer<typeof batchLineSchema>;
