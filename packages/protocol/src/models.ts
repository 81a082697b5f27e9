/** The answers of `GET /v1/models` and `GET /v1/models/{id}`. `max_model_len` is vLLM's extension: context in tokens. */
import * as z from 'zod';

export const modelSchema = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int().describe('Unix time, seconds.'),
  owned_by: z.string(),
  max_model_len: z.int().describe('Context length, tokens.'),
});

export const modelListSchema = z.object({ object: z.literal('list'), data: z.array(modelSchema) });

export type Model = z.infer<typeof modelSchema>;
export type ModelList = z.infer<typeof modelListSchema>;
