/** `/admin/workers`: the servers behind this one that run its models, seen, added and taken out by whoever operates it. */
import { z } from 'zod';
import { inBoth } from './mistakes/said.ts';

const workerNameSchema = z.object({
  model: z.string().describe(inBoth('The model, as requests name it.', '模型名，与请求中的 model 相同。')),
  url: z
    .string()
    .regex(/^https?:\/\/\S+$/)
    .describe(
      inBoth(
        'The address of the worker up to and with the version, as --model has it: http://10.0.0.5:8000/v1.',
        '工作服务的地址，写到版本为止，与 --model 相同：http://10.0.0.5:8000/v1。',
      ),
    ),
});

export const workerRequestSchema = workerNameSchema;

export const workerSchema = workerNameSchema.extend({
  object: z.literal('worker'),
  state: z
    .enum(['up', 'down', 'draining'])
    .describe(
      inBoth(
        'Whether it gets requests: up; left out until it answers again: down; no new ones, running ones go on: draining.',
        '是否接收请求：up 表示接收；down 表示暂停使用，直到恢复应答；draining 表示不再接收，进行中的继续。',
      ),
    ),
  running: z.int().describe(inBoth('Sequences there that come from here.', '从此处发去、正在计算的序列数。')),
  reason: z.string().optional().describe(inBoth('Why it is down.', 'down 的原因。')),
});

export const workerListSchema = z.object({ object: z.literal('list'), data: z.array(workerSchema) });
