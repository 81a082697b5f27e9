/**
 * Applications over HTTP: the list and the store of own copies below `/v1/apps`, and runs by `POST /v1/apps/{name}`.
 *
 * `GET /v1/apps` lists, `GET /v1/apps/{name}` gives one with its file, `POST /v1/apps` makes a copy or takes a file in, `PUT
 * /v1/apps/{name}` saves one over the revision that was read (409 where another has saved since), `DELETE` takes it away, `GET
 * /v1/apps/{name}/versions` and `…/versions/{revision}` give what it was before. Names of own applications are ids, `app_…`.
 */
import { z } from 'zod';
import { optional, withDefault } from '../field.ts';
import { inBoth } from '../mistakes/said.ts';
import { APP_GROUPS, APP_LIMITS, APP_MEASURES, appSchema } from './app.ts';

const spoken = z.object({ zh: z.string(), en: z.string() });

/** How good an application's answers are, for one model. */
export const appQualitySchema = z.object({
  model: z.string().describe(inBoth('Id of the model that was measured.', '所测的模型。')),
  measure: z.enum(APP_MEASURES),
  metric: z
    .enum(['accuracy', 'f1', 'chrf', 'form'])
    .describe(
      inBoth(
        'accuracy and form: shares of answers. f1: of keywords. chrf: chrF of characters, 0 to 1.',
        'accuracy 与 form 为所占比例；f1 为关键词的 F1；chrf 为字符 chrF，0 到 1。',
      ),
    ),
  value: z.number().min(0).max(1),
  low: z.number().min(0).max(1).describe(inBoth('Lower end of the 95 % interval.', '95% 区间下限。')),
  high: z.number().min(0).max(1).describe(inBoth('Upper end of the 95 % interval.', '95% 区间上限。')),
  baseline: z
    .number()
    .optional()
    .describe(
      inBoth(
        'What needs no model: the commonest answer, or the input again.',
        '不用模型可达到的值：最常见的回答，或照抄输入。',
      ),
    ),
  first_draw: z
    .number()
    .optional()
    .describe(inBoth('Of a form: the share that was right at the first draw.', '仅形式：首次生成即正确的比例。')),
  free_draw: z
    .number()
    .optional()
    .describe(
      inBoth(
        'The same where nothing was imposed on the model: what it does by itself.',
        '同上，但不约束模型：模型自己能做到的。',
      ),
    ),
  items: z.int().describe(inBoth('How many were judged.', '评判条数。')),
  measured: z.string().describe(inBoth('Date, YYYY-MM-DD.', '日期，YYYY-MM-DD。')),
});
export type AppQuality = z.infer<typeof appQualitySchema>;

const summaryFields = {
  id: z
    .string()
    .describe(
      inBoth(
        'What addresses name: the name of one of the gallery, app_… of an own one.',
        '网址中的名字：应用库中的即其名字，自有的为 app_…。',
      ),
    ),
  object: z.literal('app'),
  origin: z
    .enum(['gallery', 'own', 'shared'])
    .describe(
      inBoth('Of the gallery, of the caller, or shared by somebody else.', '来自应用库、调用者自有，或他人共享。'),
    ),
  name: z.string(),
  title: spoken,
  description: spoken,
  group: z.enum(APP_GROUPS),
  author: z.string(),
  licence: z.string(),
  version: z.string(),
  needs: z.enum(['completion', 'chat']),
  model: z.string().optional(),
  revision: z
    .int()
    .describe(inBoth('Counts the times it was saved; 0 in the gallery.', '保存的次数；应用库中的为 0。')),
  shared: z
    .boolean()
    .describe(inBoth('Whether everyone on this server may read and run it.', '本服务器的所有人是否可读可用。')),
  copied_from: z.string().optional().describe(inBoth('Id of what it is a copy of.', '复制自哪个应用。')),
  updated: z.int().optional().describe(inBoth('Unix time, seconds.', 'Unix 时间，秒。')),
  unfit: spoken
    .optional()
    .describe(
      inBoth(
        'Why none of the served models can run it; absent where one can.',
        '为什么所服务的模型都不能运行它；可以运行时省略。',
      ),
    ),
  quality: z.array(appQualitySchema).describe(inBoth('For the models that are served.', '就所服务的模型而言。')),
};

const appSummarySchema = z.object(summaryFields);
export type AppSummary = z.infer<typeof appSummarySchema>;

export const appListSchema = z.object({ object: z.literal('list'), data: z.array(appSummarySchema) });
export type AppList = z.infer<typeof appListSchema>;

/** With its file. */
export const appBodySchema = z.object({
  ...summaryFields,
  app: z
    .record(z.string(), z.unknown())
    .describe(inBoth('The file: what POST and PUT take.', '应用文件：POST 与 PUT 所接受的内容。')),
});
/** The file is an `AppInput`. */
export type AppBody = z.infer<typeof appBodySchema>;

/** `POST /v1/apps`: exactly one of the fields. */
export const appMakeSchema = z
  .strictObject({
    copy: optional(z.string().min(1).max(100), 'Id of an application to copy.', '要复制的应用。'),
    app: optional(appSchema, 'An application to take in.', '要存入的应用。'),
    file: optional(
      z.string().min(1).max(APP_LIMITS.file),
      'The text of a file to take in, YAML or JSON.',
      '要导入的应用文件的文本，YAML 或 JSON。',
    ),
  })
  .refine(
    ({ copy, app, file }) => [copy, app, file].filter((one) => one !== undefined).length === 1,
    inBoth('takes exactly one of copy, app, file', '须恰好给出 copy、app、file 之一'),
  );

/** `PUT /v1/apps/{id}` */
export const appSaveSchema = z.strictObject({
  app: appSchema,
  revision: z
    .int()
    .min(1)
    .describe(
      inBoth(
        'The revision that was read; where it is no longer the newest, nothing is saved (409).',
        '读取时的版次；若已不是最新，则不保存（409）。',
      ),
    ),
});

/** `POST /v1/apps/{id}/sharing` */
export const appSharingSchema = z.strictObject({
  shared: z
    .boolean()
    .describe(inBoth('Whether everyone on this server may read and run it.', '本服务器的所有人是否可读可用。')),
});

export const appVersionListSchema = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({
      revision: z.int(),
      saved: z.int().describe(inBoth('Unix time, seconds.', 'Unix 时间，秒。')),
      title: spoken,
      examples: z.int(),
    }),
  ),
});
export type AppVersionList = z.infer<typeof appVersionListSchema>;

/** `GET /v1/apps/{id}/versions/{revision}` */
export const appVersionSchema = z.object({
  revision: z.int(),
  saved: z.int(),
  app: z.record(z.string(), z.unknown()),
});

const turn = z.strictObject({
  input: z.string().max(20_000),
  output: z.string().max(20_000),
});
export type AppTurn = z.infer<typeof turn>;

/** `POST /v1/apps/{id}` */
export const appRunRequestSchema = z.strictObject({
  inputs: withDefault(
    z.record(z.string(), z.string()),
    {},
    'A text for each input of the application.',
    '应用的每个输入各一段文本。',
  ),
  input: optional(z.string(), 'In place of inputs: the text of the first one.', '代替 inputs：第一个输入的文本。'),
  turns: withDefault(
    z.array(turn).max(APP_LIMITS.turns),
    [],
    'Earlier turns of the conversation, for applications that keep them.',
    '此前的对话轮次，仅用于保留对话的应用。',
  ),
  model: optional(
    z.string().min(1),
    'Id of a served model; that of the application, or the only one, when absent.',
    '模型名；省略时用应用指定的，或唯一的那个。',
  ),
  seed: optional(z.int().min(0), 'Same seed, same answer.', '相同种子得到相同结果。'),
  stream: withDefault(
    z.boolean(),
    false,
    'Answer as server-sent events, objects app.run.part, then the whole as app.run, ended by data: [DONE].',
    '以服务器推送事件逐段作答：若干 app.run.part，最后是完整的 app.run，以 data: [DONE] 结束。',
  ),
  show_prompt: withDefault(z.boolean(), false, 'Whether the prompt is given with the answer.', '是否一并给出提示。'),
});
export type AppRunRequest = z.output<typeof appRunRequestSchema>;
export type AppRunInput = z.input<typeof appRunRequestSchema>;

/** What a check found in an answer. */
const appFindingSchema = z.object({
  check: z.string().describe(inBoth('Its `use`.', '检查的 `use`。')),
  passed: z.boolean(),
  message: spoken.describe(inBoth('What is wrong, or what was found right.', '哪里不对，或确认了什么。')),
});
export type AppFinding = z.infer<typeof appFindingSchema>;

const appAttemptSchema = z.object({
  output: z.string(),
  finish_reason: z.enum(['stop', 'length', 'content_filter']),
  findings: z.array(appFindingSchema),
});
export type AppAttempt = z.infer<typeof appAttemptSchema>;

export const appRunSchema = z.object({
  id: z.string(),
  object: z.literal('app.run'),
  created: z.int().describe(inBoth('Unix time, seconds.', 'Unix 时间，秒。')),
  app: z.string(),
  revision: z.int(),
  model: z.string(),
  output: z
    .string()
    .describe(
      inBoth('The answer: of the attempt that passed, or of the best one.', '回答：通过检查的那次，或最好的一次。'),
    ),
  passed: z.boolean().describe(inBoth('Whether it passes every check.', '是否通过全部检查。')),
  attempts: z.array(appAttemptSchema).describe(inBoth('All that was tried, in order.', '全部尝试，按次序。')),
  prompt: z.string().optional().describe(inBoth('Where show_prompt asks for it.', '仅在 show_prompt 时给出。')),
  examples_left_out: z
    .int()
    .describe(
      inBoth(
        'Examples, from the first on, for which the context of the model had no room.',
        '因模型上下文不足而从头略去的示例数。',
      ),
    ),
  usage: z.object({
    prompt_tokens: z.int(),
    completion_tokens: z.int(),
    total_tokens: z.int(),
    prompt_tokens_details: z.object({ cached_tokens: z.int() }),
  }),
  seed: z.int().optional(),
});
export type AppRun = z.infer<typeof appRunSchema>;

/** A piece of a streamed run. An attempt of a higher number puts aside what came before. */
export const appRunPartSchema = z.object({
  object: z.literal('app.run.part'),
  attempt: z.int().describe(inBoth('From 1.', '从 1 起。')),
  text: z.string(),
  findings: z.array(appFindingSchema).optional().describe(inBoth('At the end of an attempt.', '一次尝试结束时给出。')),
});
export type AppRunPart = z.infer<typeof appRunPartSchema>;

/** `GET /v1/apps/{id}/file` */
export const appFileQuerySchema = z.object({
  format: z.enum(['yaml', 'json']).default('yaml').describe(inBoth('Form of the file.', '文件格式。')),
});
