/** The answers of `GET /v1/models` and `GET /v1/models/{id}`. `max_model_len`, `root` and `parent` are vLLM's extensions; `state` is ours. */
import { z } from 'zod';
import { inBoth } from './mistakes/said.ts';

export const modelSchema = z.object({
  id: z.string().describe(inBoth('What requests name as model.', '请求中 model 所填的名字。')),
  object: z.literal('model'),
  created: z.int().describe(inBoth('Unix time, seconds.', 'Unix 时间，秒。')),
  owned_by: z.string(),
  max_model_len: z
    .int()
    .optional()
    .describe(
      inBoth(
        'Context length, tokens; absent where another server computes and does not say.',
        '上下文长度，词元数；由其他服务器计算而未告知时省略。',
      ),
    ),
  root: z
    .string()
    .optional()
    .describe(inBoth('Of an adapter: the model that computes.', '仅适配器有：实际计算的模型。')),
  parent: z
    .string()
    .optional()
    .describe(inBoth('Of an adapter: the model that it adds to.', '仅适配器有：它所附着的模型。')),
  state: z
    .enum(['loaded', 'loading', 'unloaded'])
    .optional()
    .describe(
      inBoth(
        'Whether the model is in memory; one that is not is loaded for the next request to it.',
        '模型是否在内存中；不在时由下一个请求载入。',
      ),
    ),
});

export const modelListSchema = z.object({ object: z.literal('list'), data: z.array(modelSchema) });

export type Model = z.infer<typeof modelSchema>;
export type ModelList = z.infer<typeof modelListSchema>;
