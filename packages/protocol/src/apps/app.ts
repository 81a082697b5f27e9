/**
 * An application: a prompt with examples, and what is asked of its answer, as one declarative file (JSON or YAML).
 *
 * Contract: the prompt is that of Yuan's client class: for each example `input_prefix + input + input_suffix + output_prefix + output +
 * output_suffix`, then `input_prefix + input + input_suffix + output_prefix` (the last unless `append_output_prefix_to_query` is false).
 * `input` is `input_template` with the inputs in it. Nothing in a file is run: texts are data, expressions are those that constraints know.
 */
import { z } from 'zod';
import { isJson } from '../constraint-fields.ts';
import { inBoth } from '../mistakes/said.ts';
import { appCheckSchema } from './checks.ts';

/** Bounds of one file: whoever stores them, and whoever reads them, knows how large they get. */
export const APP_LIMITS = {
  inputs: 8,
  /** Characters of one text. */
  text: 4_000,
  examples: 64,
  /** Turns of a conversation that a request may carry. */
  turns: 400,
  retries: 9,
  /** Bytes of a file. */
  file: 256 * 2 ** 10,
} as const;

/** Sections of the gallery. */
export const APP_GROUPS = ['verse', 'writing', 'dialogue', 'language', 'understanding', 'knowledge'] as const;
export type AppGroup = (typeof APP_GROUPS)[number];

/** Public sets, and checks of form, by which an application's answers are judged. */
export const APP_MEASURES = ['eprstmt', 'csl', 'tnews', 'classical', 'form'] as const;
export type AppMeasure = (typeof APP_MEASURES)[number];

const text = z.string().max(APP_LIMITS.text);

/** In both languages; for readers, never part of a prompt. */
const both = (most: number) =>
  z.strictObject({
    zh: z.string().trim().min(1).max(most).describe(inBoth('In Chinese.', '中文。')),
    en: z.string().trim().min(1).max(most).describe(inBoth('In English.', '英文。')),
  });

/** In addresses and on the command line. */
export const appNameSchema = z
  .string()
  .max(64)
  .regex(
    /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
    inBoth(
      'expected lower-case letters, digits and hyphens, a letter first, such as couplet-lower',
      '应为小写字母、数字与连字符，以字母开头，例如 couplet-lower',
    ),
  );

const fieldName = z
  .string()
  .max(32)
  .regex(
    /^[a-z][a-z0-9_]*$/,
    inBoth(
      'expected lower-case letters, digits and underscores, a letter first, such as theme',
      '应为小写字母、数字与下划线，以字母开头，例如 theme',
    ),
  );

export const appInputSchema = z.strictObject({
  name: fieldName.describe(inBoth('Name in requests, examples and the template.', '在请求、示例与模板中的名字。')),
  label: both(40).describe(inBoth('What a form calls it.', '表单中的名称。')),
  hint: both(200).optional().describe(inBoth('What is expected, for a form.', '表单中的提示。')),
  lines: z
    .int()
    .min(1)
    .max(20)
    .default(1)
    .describe(inBoth('Height of its field in a form; 1 takes no line breaks.', '表单中的行数；1 不接受换行。')),
  most: z.int().min(1).max(20_000).default(2_000).describe(inBoth('Most characters.', '最多字数。')),
  choices: z
    .array(z.string().min(1).max(100))
    .min(1)
    .max(40)
    .optional()
    .describe(inBoth('The only values that are taken.', '只接受这些值。')),
  default: text
    .optional()
    .describe(inBoth('The value where a request gives none; needed when absent.', '请求未给出时的值；省略则必填。')),
});

const appExampleSchema = z.strictObject({
  inputs: z.record(z.string(), text).describe(inBoth('A text for each input.', '每个输入的文本。')),
  output: text.min(1).describe(inBoth('The answer that is wished for.', '希望的回答。')),
});

const promptSchema = z.strictObject({
  before: text
    .default('')
    .describe(inBoth('What stands before the examples, such as a persona.', '示例之前的文字，例如角色设定。')),
  input_template: text
    .optional()
    .describe(
      inBoth(
        'The input with {name} for each input; the first input alone when absent.',
        '输入的写法，以 {名字} 代表各输入；省略时即第一个输入。',
      ),
    ),
  input_prefix: text.default('').describe(inBoth('Before an input.', '输入之前。')),
  input_suffix: text.default('\n').describe(inBoth('Behind an input.', '输入之后。')),
  output_prefix: text.default('答:').describe(inBoth('Before an output.', '输出之前。')),
  output_suffix: text
    .default('\n\n')
    .describe(
      inBoth(
        'Behind an output; the answer ends before it, unless stop says otherwise.',
        '输出之后；除非 stop 另有规定，回答到此为止。',
      ),
    ),
  append_output_prefix_to_query: z
    .boolean()
    .default(true)
    .describe(
      inBoth(
        'Whether the prompt ends with the output prefix; Yuan itself leaves it out unless asked.',
        '提示是否以输出前缀结尾；源原来的默认是不加。',
      ),
    ),
});

const probability = z.number().min(0).max(1);
const samplingSchema = z.strictObject({
  max_tokens: z
    .int()
    .min(1)
    .max(16_384)
    .default(100)
    .describe(inBoth('Most tokens of an answer.', '回答的最多词元数。')),
  temperature: z
    .number()
    .min(0)
    .max(2)
    .default(0.9)
    .describe(inBoth('0 takes the likeliest token.', '0 表示取最可能的词元。')),
  top_p: probability.default(0.9).describe(inBoth('1 is off.', '1 为关闭。')),
  top_k: z.int().min(0).default(0).describe(inBoth('0 is off.', '0 为关闭。')),
  min_p: probability.default(0).describe(inBoth('0 is off.', '0 为关闭。')),
  repetition_penalty: z.number().gt(0).max(100).default(1).describe(inBoth('1 is off.', '1 为关闭。')),
  frequencyPenalty: z.number().min(1).max(100).default(1).describe(inBoth("Yuan's; 1 is off.", '源的参数；1 为关闭。')),
  responsePenalty: z.number().min(1).max(100).default(1).describe(inBoth("Yuan's; 1 is off.", '源的参数；1 为关闭。')),
  noRepeatNgramSize: z.int().min(0).max(64).default(0).describe(inBoth("Yuan's; 0 is off.", '源的参数；0 为关闭。')),
});

const constraintSchema = z
  .strictObject({
    regex: text.min(1).optional().describe(inBoth('A regular expression.', '正则表达式。')),
    choice: z
      .array(z.string().min(1))
      .min(1)
      .max(200)
      .optional()
      .describe(inBoth('One of these texts.', '这些文本之一。')),
    grammar: z.string().min(1).max(20_000).optional().describe(inBoth('A grammar in GBNF.', 'GBNF 文法。')),
    json: z.record(z.string(), z.unknown()).optional().describe(inBoth('A JSON schema.', 'JSON 模式。')),
  })
  .refine(
    (value) => Object.values(value).filter((one) => one !== undefined).length === 1,
    inBoth('takes exactly one of regex, choice, grammar, json', '须恰好给出 regex、choice、grammar、json 之一'),
  )
  .refine(
    ({ json }) => isJson(json),
    inBoth('has a number beyond 2^53, which is not supported', '含有超过 2^53 的数字，不支持'),
  )
  .describe(
    inBoth(
      'What the whole answer follows from its first token; one of its fields.',
      '整个回答从第一个词元起须遵守的形式；只给其中一项。',
    ),
  );

const conversationSchema = z
  .strictObject({
    keep: z
      .int()
      .min(0)
      .max(100)
      .default(10)
      .describe(inBoth('The last turns, all of them in the prompt.', '保留在提示中的最近轮数。')),
    similar: z
      .int()
      .min(0)
      .max(20)
      .default(2)
      .describe(
        inBoth(
          'Of earlier turns, so many of the most similar to the new input are recalled.',
          '从更早的轮次中，召回与新输入最相似的这么多轮。',
        ),
      ),
  })
  .describe(inBoth('Turns of a conversation that are put before the input.', '放在输入之前的对话轮次。'));

export const appSchema = z
  .strictObject({
    tunan_app: z.literal(1).describe(inBoth('Version of this format.', '本格式的版本。')),
    name: appNameSchema.describe(inBoth('Name in addresses and on the command line.', '在网址与命令行中的名字。')),
    title: both(60).describe(inBoth('What readers see.', '显示的名称。')),
    description: both(600).describe(inBoth('What it does, for readers.', '做什么用，供读者了解。')),
    group: z.enum(APP_GROUPS).describe(inBoth('Section of the gallery.', '在应用库中的分类。')),
    version: z
      .string()
      .regex(/^\d+(\.\d+){0,2}$/, inBoth('expected numbers, such as 1.0', '应为数字，例如 1.0'))
      .default('1.0')
      .describe(inBoth('Version of the application, its maker’s.', '应用自己的版本。')),
    author: z.string().max(100).default('').describe(inBoth('Who made it.', '作者。')),
    licence: z.string().max(60).default('').describe(inBoth('Under which others may use it.', '许可证。')),
    sources: z
      .array(z.string().max(300))
      .max(20)
      .default([])
      .describe(inBoth('Where examples were taken from.', '示例的出处。')),
    model: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe(inBoth('Id of the model that it wants; any when absent.', '指定的模型；省略则任意。')),
    adapter: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe(
        inBoth(
          'Id of an adapter that does this better than its base: answers come from it where it is served, and no model is asked for.',
          '比基座更胜任的适配器：未指定模型而它又在服务中时，由它作答。',
        ),
      ),
    needs: z
      .enum(['completion', 'chat'])
      .default('completion')
      .describe(
        inBoth(
          'completion: every model. chat: a model with a chat template; examples are turns then.',
          'completion：任何模型。chat：有对话模板的模型，示例成为对话轮次。',
        ),
      ),
    inputs: z
      .array(appInputSchema)
      .min(1)
      .max(APP_LIMITS.inputs)
      .describe(inBoth('What a request fills in.', '请求要填写的内容。')),
    prompt: promptSchema.prefault({}).describe(inBoth('How the prompt is put together.', '提示如何拼成。')),
    examples: z
      .array(appExampleSchema)
      .max(APP_LIMITS.examples)
      .default([])
      .describe(
        inBoth('Solved examples, in the order in which they stand in the prompt.', '已解的示例，按在提示中的次序。'),
      ),
    conversation: conversationSchema.optional(),
    sampling: samplingSchema.prefault({}).describe(inBoth('How tokens are drawn.', '如何抽取词元。')),
    stop: z
      .array(z.string().min(1).max(256))
      .max(16)
      .optional()
      .describe(
        inBoth(
          'The answer ends before the first of these; the output suffix when absent.',
          '回答在其中最先出现者之前结束；省略时为输出后缀。',
        ),
      ),
    clean: z
      .enum(['trim', 'yuan', 'none'])
      .default('trim')
      .describe(
        inBoth(
          'trim: without white space around it. yuan: also without spaces and marks inside, as Yuan’s client does. none: as it comes.',
          'trim：去掉首尾空白。yuan：像源的客户端那样，连同其中的空格与标记一并去掉。none：原样。',
        ),
      ),
    constraint: constraintSchema.optional(),
    checks: z
      .array(appCheckSchema)
      .max(8)
      .default([])
      .describe(inBoth('What is checked in an answer.', '对回答的检查。')),
    retries: z
      .int()
      .min(0)
      .max(APP_LIMITS.retries)
      .default(0)
      .describe(inBoth('How often an answer that fails a check is made again.', '回答未通过检查时重写的次数。')),
    measure: z
      .enum(APP_MEASURES)
      .optional()
      .describe(
        inBoth(
          'By what its quality is measured (tunan app measure): a public set, or the share of answers whose form is right.',
          '以什么衡量质量（tunan app measure）：公开的标注集，或形式正确的回答所占比例。',
        ),
      ),
  })
  .check(({ value, issues }) => {
    for (const { path, en, zh } of mistakesOf(value)) {
      issues.push({ code: 'custom', path: [...path], message: en, params: { zh }, input: value });
    }
  });

/** What a file may say. */
export type AppInput = z.input<typeof appSchema>;
/** A checked application, every default filled in. */
export type App = z.output<typeof appSchema>;
export type AppField = z.output<typeof appInputSchema>;
export type AppExample = z.output<typeof appExampleSchema>;

interface Place {
  readonly path: readonly (string | number)[];
  readonly en: string;
  readonly zh: string;
}

/** What no single field shows: names that do not meet. */
function mistakesOf(app: App): Place[] {
  const names = app.inputs.map(({ name }) => name);
  const known = names.join(', ');
  const unknown = (path: Place['path'], name: string): Place => ({
    path,
    en: `there is no input "${name}"; inputs: ${known}`,
    zh: `没有输入“${name}”；现有输入：${known}`,
  });
  const found: Place[] = [];
  names.forEach((name, place) => {
    if (names.indexOf(name) < place) {
      found.push({ path: ['inputs', place, 'name'], en: `"${name}" stands twice`, zh: `“${name}”重复` });
    }
  });
  for (const [place, { choices, default: fallback }] of app.inputs.entries()) {
    if (choices === undefined || fallback === undefined || choices.includes(fallback)) continue;
    found.push({
      path: ['inputs', place, 'default'],
      en: 'is none of the choices',
      zh: '不在 choices 之中',
    });
  }
  for (const name of templateNames(app.prompt.input_template ?? '')) {
    if (!names.includes(name)) found.push(unknown(['prompt', 'input_template'], name));
  }
  for (const [place, { inputs }] of app.examples.entries()) {
    for (const name of Object.keys(inputs)) {
      if (!names.includes(name)) found.push(unknown(['examples', place, 'inputs'], name));
    }
    for (const { name, default: fallback } of app.inputs) {
      if (Object.hasOwn(inputs, name) || fallback !== undefined) continue;
      found.push({ path: ['examples', place, 'inputs'], en: `"${name}" is missing`, zh: `缺少“${name}”` });
    }
  }
  for (const [place, check] of app.checks.entries()) {
    const named = [
      'of' in check && check.of !== undefined ? ['of', check.of] : undefined,
      check.use === 'verse' && check.head !== undefined ? ['head', check.head] : undefined,
      'form' in check && typeof check.form === 'object' ? ['form', check.form.input] : undefined,
    ].filter((one) => one !== undefined) as [string, string][];
    for (const [field, name] of named) {
      if (!names.includes(name)) found.push(unknown(['checks', place, field], name));
    }
    if (check.use !== 'meter' || typeof check.form === 'string') continue;
    const { input, forms } = check.form;
    const choices = app.inputs.find(({ name }) => name === input)?.choices ?? [];
    for (const choice of choices) {
      if (Object.hasOwn(forms, choice)) continue;
      found.push({
        path: ['checks', place, 'form', 'forms'],
        en: `there is no measure for the choice "${choice}" of "${input}"`,
        zh: `缺少“${input}”的选项“${choice}”的谱`,
      });
    }
  }
  if (app.conversation !== undefined && app.inputs.length > 1) {
    found.push({
      path: ['conversation'],
      en: 'a conversation has one input, the new message',
      zh: '对话只能有一个输入，即新的话语',
    });
  }
  return found;
}

/** The names in a template, `{theme}`. */
export function templateNames(template: string): string[] {
  return [...template.matchAll(/\{([a-z][a-z0-9_]*)\}/g)].map(([, name]) => name!);
}
