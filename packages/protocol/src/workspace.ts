/**
 * The bodies of the routes about an operator's folder: corpora, runs and evaluations that lie below it, as they stand. A caller names each by
 * the id of the list; no path is ever sent.
 */
import { z } from 'zod';
import { inBoth } from './mistakes/said.ts';

const said = z.object({ zh: z.string(), en: z.string() });
const count = z.int().nonnegative();

const place = {
  id: z.string().describe(inBoth('For the other routes.', '供其他路由使用。')),
  path: z.string().describe(inBoth('Below the folder of the server.', '相对于服务器所给目录的路径。')),
  changed_at: z.int().describe(inBoth('When it last changed, Unix time.', '最近变动的 Unix 时间。')),
};
const listOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    object: z.literal('list'),
    data: z.array(item),
    truncated: z
      .boolean()
      .describe(inBoth('The folder holds more than is looked through.', '目录内容过多，没有全部查看。')),
  });

export const workspaceRunSchema = z.object({
  ...place,
  description: z.string().nullable(),
  is_running: z.boolean().describe(inBoth('A process trains there now.', '有进程正在训练。')),
  step: count.describe(inBoth('Steps done.', '已完成的步数。')),
  steps: count.describe(inBoth('Steps of the plan.', '计划的步数。')),
  tokens: count.describe(inBoth('Trained on so far.', '已训练的词元数。')),
  loss: z.number().nullable().describe(inBoth('Of the last step, nats a token.', '最后一步的损失，每词元纳特。')),
  tokens_per_second: z.number().nullable(),
});
export const workspaceRunListSchema = listOf(workspaceRunSchema);

const curvePoint = z.object({ tokens: z.number(), loss: z.number() });
const curveLine = curvePoint.extend({
  step: z.number(),
  tokens_per_second: z.number(),
  gradient_norm: z.number(),
  learning_rate: z.number(),
});
const evaluationPoint = curvePoint.extend({ step: z.number() });

export const workspaceRunDetailsSchema = workspaceRunSchema.extend({
  model: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .describe(inBoth('Sizes of the model.', '模型的各项规模。')),
  data: z.array(z.object({ corpus: z.string(), weight: z.number() })),
  settings: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .describe(inBoth('Choices of the recipe.', '配方中的选择。')),
  curve: z.array(curveLine).describe(inBoth('Means of stretches of steps.', '若干步一段的均值。')),
  evaluations: z.array(evaluationPoint).describe(inBoth('Loss on the validation split.', '验证集上的损失。')),
  expected: z
    .object({ loss: z.number(), low: z.number(), high: z.number(), curve: z.array(curvePoint) })
    .nullable()
    .describe(
      inBoth(
        'What sizing promised for the end of the run, and the curve of its scaling law.',
        '定规模时对训练结束的预期，以及缩放律曲线。',
      ),
    ),
  offset: count.describe(inBoth('How far the log was read, bytes; for …/log.', '日志读到的字节位置，供 …/log 使用。')),
});

export const workspaceLogSchema = z.object({
  lines: z.array(curveLine),
  evaluations: z.array(evaluationPoint),
  offset: count.describe(inBoth('To go on from.', '下次从此处继续。')),
  is_running: z.boolean(),
  restarted: z
    .boolean()
    .describe(
      inBoth(
        'The log is shorter than that: the run was taken up again from a checkpoint.',
        '日志变短：训练已从检查点恢复。',
      ),
    ),
});

export const workspaceCorpusSchema = z.object({
  ...place,
  name: z.string(),
  licence: z.string(),
  documents: count,
  characters: count,
});
export const workspaceCorpusListSchema = listOf(workspaceCorpusSchema);

const counted = z.object({ name: z.string(), label: said, documents: count });

export const workspaceCorpusDetailsSchema = workspaceCorpusSchema.extend({
  read: count,
  dropped: count,
  bytes: count.describe(inBoth('Of the texts, UTF-8.', '文本的 UTF-8 字节数。')),
  distinct_characters: count,
  stages: z.array(
    z.object({
      name: z.string(),
      label: said,
      documents: count.describe(inBoth('That came in.', '进入该步骤的文档数。')),
      characters: count,
      changed: count.nullable(),
      reasons: z.array(counted).describe(inBoth('Documents dropped, by reason.', '按原因剔除的文档数。')),
    }),
  ),
  marks: z
    .array(z.object({ field: z.string(), kinds: z.array(counted) }))
    .describe(inBoth('What stages did to documents that passed.', '各步骤对保留文档的处理。')),
  splits: z.array(z.object({ name: z.string(), label: said, documents: count, characters: count, bytes: count })),
  collections: z.array(z.object({ name: z.string(), read: count, kept: count, characters: count })),
  sources: z.array(
    z.object({ source: z.string(), licence: z.string().nullable(), homepage: z.string().nullable(), bytes: count }),
  ),
  has_report: z.boolean().describe(inBoth('…/report is there.', '有 …/report。')),
});

export const workspaceEvaluationSchema = z.object({
  ...place,
  suite: z.string(),
  model: z.string(),
  accuracy: z.number().nullable().describe(inBoth('Mean of the tasks.', '各任务的平均。')),
});
export const workspaceEvaluationListSchema = listOf(workspaceEvaluationSchema);

const interval = z.object({ low: z.number(), high: z.number() });

export const workspaceEvaluationDetailsSchema = workspaceEvaluationSchema.extend({
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  interval: interval.nullable().describe(inBoth('95 %, of the mean.', '平均值的 95 % 区间。')),
  tasks: z.array(
    z.object({
      task: z.string(),
      title: z.string(),
      examples: count,
      accuracy: z.number().nullable(),
      interval: interval.nullable().describe(inBoth('95 %.', '95 % 区间。')),
      majority: z.number().nullable().describe(inBoth('Of the most frequent label.', '最常见标签的占比。')),
      random: z.number().describe(inBoth('By lot.', '随机猜测。')),
    }),
  ),
  published: z
    .array(
      z.object({
        name: z.string(),
        setting: z.enum(['zero-shot', 'few-shot', 'people', 'majority']),
        score: z.number(),
        tasks: z.record(z.string(), z.number()),
      }),
    )
    .describe(inBoth('Published rows of the same tasks, as shares.', '同样任务的公开成绩，以比例表示。')),
  has_report: z.boolean(),
});

export type WorkspaceRun = z.infer<typeof workspaceRunSchema>;
export type WorkspaceRunDetails = z.infer<typeof workspaceRunDetailsSchema>;
export type WorkspaceLog = z.infer<typeof workspaceLogSchema>;
export type WorkspaceCorpus = z.infer<typeof workspaceCorpusSchema>;
export type WorkspaceCorpusDetails = z.infer<typeof workspaceCorpusDetailsSchema>;
export type WorkspaceEvaluation = z.infer<typeof workspaceEvaluationSchema>;
export type WorkspaceEvaluationDetails = z.infer<typeof workspaceEvaluationDetailsSchema>;
