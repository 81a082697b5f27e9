/**
 * The body of `POST /v1/completions`.
 *
 * Contract: a field with OpenAI's name keeps OpenAI's meaning, range and default, so that any OpenAI client works
 * unchanged. What Yuan 1.0 adds is accepted beside it under the name that Yuan's own client class uses (camelCase):
 * `frequency_penalty` is OpenAI's additive penalty (-2..2), `frequencyPenalty` is Yuan's multiplicative one (>= 1). Of
 * vLLM's fields those are here that are honoured: top_k, min_p, repetition_penalty, and those of sampling-fields.ts.
 *
 * A field that is not known is ignored, because servers and clients grow new ones all the time, and `ignoredFields` names
 * it, because a misspelt parameter that is silently ignored costs its user hours. A wrong value of a known field is
 * refused. `null` is the same as an absent field, as with OpenAI. What would change the answer and cannot be done is
 * refused with a message: `suffix`, and `best_of` with a stream.
 */
import { z } from 'zod';
import { constraintFields, constraintMistakes } from './constraint-fields.ts';
import { advising, optional, withDefault } from './field.ts';
import { inBoth } from './mistakes/said.ts';
import { aliasFields, contradictions, samplingFields } from './sampling-fields.ts';

/** Upper bounds of one request. They bound the memory that a single caller can claim. */
export const LIMITS = {
  prompts: 128,
  choices: 128,
  /** Of a conversation. */
  messages: 1024,
  sequences: 128,
  stops: 16,
  stopLength: 256,
  /** As at vLLM; OpenAI takes 5. */
  logprobs: 20,
  /** Token ids of one prompt; longer than any context that is served. */
  promptTokens: 131_072,
  /** Entries of logit_bias, as at OpenAI. */
  biases: 300,
} as const;

/** Of the fields that have aliases. */
const DEFAULTS = { max_tokens: 16, repetition_penalty: 1, noRepeatNgramSize: 0 };

const SEVERAL_REQUESTS = { en: '; send several requests', zh: '；请分成几个请求' };

const tokenIds = z.array(z.int().min(0)).min(1).max(LIMITS.promptTokens);

const prompt = advising(
  z.union([
    z.string(),
    z.array(z.string()).min(1).max(LIMITS.prompts),
    tokenIds,
    z.array(tokenIds).min(1).max(LIMITS.prompts),
  ]),
  {
    expected: {
      en: 'expected a text, a list of texts, a list of token ids, or a list of lists of token ids',
      zh: '应为一段文本、文本列表、词元编号列表，或词元编号列表的列表',
    },
    meant: (value) => {
      if (!Array.isArray(value)) return 0;
      return typeof value[0] === 'number' ? 2 : Array.isArray(value[0]) ? 3 : 1;
    },
    wayOut: SEVERAL_REQUESTS,
  },
);

const stopText = z.string().min(1).max(LIMITS.stopLength);
const stop = advising(z.union([stopText, z.array(stopText).max(LIMITS.stops)]), {
  expected: { en: 'expected a text or a list of texts', zh: '应为一段文本，或文本的列表' },
  meant: (value) => (Array.isArray(value) ? 1 : 0),
  wayOut: { en: '; leave some out', zh: '；请减少' },
});

const choices = advising(z.int().min(1).max(LIMITS.choices), { wayOut: SEVERAL_REQUESTS });

/** JSON beyond 2^53 comes as a bigint, which alone holds it exactly. */
const seed = advising(
  z.custom<number | bigint>((value) => isInteger(value) && value >= -(2 ** 64) && value <= 2 ** 64),
  { expected: { en: 'expected an integer of at most 64 bits', zh: '应为至多 64 位的整数' } },
).meta({ type: 'integer' });

const tokenId = z.string().regex(/^\d+$/, inBoth('is no token id', '不是词元编号'));
const probability = z.number().min(0).max(1);
const additivePenalty = z.number().min(-2).max(2);
const multiplicativePenalty = z.number().min(1).max(100);

const streamOptions = z.object({
  include_usage: withDefault(
    z.boolean(),
    false,
    'A last event without choices carries the usage.',
    '最后多一个不含结果的事件给出用量。',
  ),
  include_obfuscation: withDefault(
    z.boolean(),
    false,
    'Accepted; no padding is ever added.',
    '接受，但从不添加填充字段。',
  ),
});

export const completionRequestSchema = z
  .object({
    model: optional(
      z.string().min(1),
      'Id of a served model, see GET /v1/models. May be absent where one alone is served.',
      '模型名，见 GET /v1/models；只服务一个模型时可省略。',
    ),
    prompt: withDefault(
      prompt,
      '',
      `Text, several texts, token ids, or several lists of token ids: at most ${LIMITS.prompts} prompts, and ${LIMITS.promptTokens} ids each. Empty or absent: a new document is begun. A text such as <eod> in it is ordinary characters.`,
      `一段文本、多段文本、词元编号，或多组词元编号：至多 ${LIMITS.prompts} 条提示，每条至多 ${LIMITS.promptTokens} 个编号。空或省略：从新文档的开头写起。其中写出的 <eod> 等只是普通字符。`,
    ),
    max_tokens: withDefault(
      z.int().min(0),
      DEFAULTS.max_tokens,
      'Most tokens to generate for each choice; the context of the model ends it earlier. 0 with echo and logprobs scores the prompt.',
      '每个结果最多生成的词元数；到模型上下文的末尾也会停。0 加 echo 与 logprobs 只为提示打分。',
    ),
    temperature: withDefault(
      z.number().min(0).max(2),
      1,
      '0 takes the likeliest token every time.',
      '0 表示每次取最可能的词元。',
    ),
    top_p: withDefault(
      probability,
      1,
      'Nucleus: only the likeliest tokens that together have this share of the probability.',
      '只从概率合计达到此值的最可能词元中抽取。',
    ),
    n: withDefault(
      choices,
      1,
      `Choices for each prompt; prompts times n is at most ${LIMITS.sequences}.`,
      `每条提示生成的结果数；提示数乘以 n 至多 ${LIMITS.sequences}。`,
    ),
    best_of: optional(
      z.int().min(1),
      `So many answers are made for each prompt, and the n with the highest log-probability per token given, the best one first; all count in the usage. Not with stream. Prompts times best_of is at most ${LIMITS.sequences}. Absent: n.`,
      `每条提示生成这么多个结果，给出其中每词元对数概率最高的 n 个，最好的在前；全部计入用量。不能用于流式。提示数乘以 best_of 至多 ${LIMITS.sequences}。省略时为 n。`,
    ),
    stream: withDefault(
      z.boolean(),
      false,
      'Answer as server-sent events, ended by data: [DONE].',
      '以服务器推送事件（SSE）逐段作答，以 data: [DONE] 结束。',
    ),
    stream_options: optional(
      streamOptions,
      'Only with stream. include_usage: a last event without choices carries the usage. include_obfuscation: accepted; no padding is ever added.',
      '仅用于流式。include_usage：最后多一个不含结果的事件给出用量。include_obfuscation：接受，但从不添加填充字段。',
    ),
    stop: withDefault(
      stop,
      [],
      `The text is cut before the first of these strings: at most ${LIMITS.stops}, of at most ${LIMITS.stopLength} characters.`,
      `在这些文本中最先出现者之前截断：至多 ${LIMITS.stops} 段，每段至多 ${LIMITS.stopLength} 字。`,
    ),
    seed: optional(
      seed,
      'Same seed, same request: same answer, whatever else is served meanwhile. An integer of at most 64 bits; all of its digits count.',
      '相同种子与请求得到相同结果，与同时服务的其他请求无关。至多 64 位的整数，每一位都起作用。',
    ),
    logprobs: optional(
      z.int().min(0).max(LIMITS.logprobs),
      'Log-probabilities of the tokens and of this many likeliest alternatives, before temperature, penalties and bias.',
      '给出各词元及这么多个最可能候选的对数概率（未经温度、惩罚与偏置）。',
    ),
    echo: withDefault(z.boolean(), false, 'Put the prompt before the answer.', '把提示放在结果之前一并返回。'),
    presence_penalty: withDefault(
      additivePenalty,
      0,
      'Taken once from the logit of every token generated before.',
      '对已生成过的词元，其 logit 减去此值一次。',
    ),
    frequency_penalty: withDefault(
      additivePenalty,
      0,
      'Taken from a logit once for each time the token was generated before.',
      '词元每生成过一次，其 logit 减去此值一次。',
    ),
    logit_bias: withDefault(
      z.record(tokenId, z.number().min(-100).max(100)),
      {},
      `Token id to a value that is added to its logit; at most ${LIMITS.biases} entries, ids of this model only.`,
      `词元编号到加在其 logit 上的值；至多 ${LIMITS.biases} 项，只能是本模型的编号。`,
    ),
    suffix: optional(
      z.string(),
      'Not supported: only null and the empty text are accepted.',
      '不支持：只接受 null 与空文本。',
    ),
    user: optional(z.string(), 'Accepted and not used.', '接受，但不使用。'),
    top_k: withDefault(
      z.int().min(-1),
      0,
      'Extension: only the k likeliest tokens; 0 and -1 are off.',
      '扩展：只保留最可能的 k 个词元；0 与 -1 为关闭。',
    ),
    min_p: withDefault(
      probability,
      0,
      'Extension, vLLM: only tokens at least this many times as likely as the likeliest; 0 is off.',
      '扩展（vLLM）：只保留概率不低于最可能词元此倍数的词元；0 为关闭。',
    ),
    repetition_penalty: withDefault(
      z.number().gt(0).max(100),
      1,
      'Extension, vLLM and transformers: l > 0 ? l / p : l * p for every token of prompt and answer; 1 is off.',
      '扩展（vLLM、transformers）：对提示与结果中出现过的词元，l > 0 时取 l / p，否则取 l * p；1 为关闭。',
    ),
    frequencyPenalty: withDefault(
      multiplicativePenalty,
      1,
      'Extension, Yuan: l > 0 ? l / p : l * p with p = frequencyPenalty ^ (times generated); 1 is off.',
      '扩展（源）：l > 0 时取 l / p，否则取 l * p，p = frequencyPenalty 的（生成次数）次方；1 为关闭。',
    ),
    responsePenalty: withDefault(
      multiplicativePenalty,
      1,
      'Extension, Yuan: the same with the count capped at 1; ignored while frequencyPenalty > 1; 1 is off.',
      '扩展（源）：同上，但次数最多计 1；frequencyPenalty > 1 时不起作用；1 为关闭。',
    ),
    noRepeatNgramSize: withDefault(
      z.int().min(0),
      0,
      'Extension, Yuan: no n-gram of this size occurs twice in prompt and answer together; 0 is off.',
      '扩展（源）：提示与结果合起来，不出现两次相同的此长度 n 元组；0 为关闭。',
    ),
    ...samplingFields,
    ...constraintFields,
    ...aliasFields,
    begin_document: withDefault(
      z.boolean(),
      false,
      'Extension: put the end-of-document token before the prompt, so that the model sees the beginning of a document. It counts as a prompt token and has no entry in logprobs.',
      '扩展：在提示前加文档结束词元，让模型看到文档的开头。它计入提示词元数，但不出现在 logprobs 中。',
    ),
  })
  .check((context) => {
    const { value, issues } = context;
    const refuse = (field: keyof typeof value, message: string, zh: string) =>
      issues.push({ code: 'custom', path: [field], message, params: { zh }, input: value[field] });
    const biases = Object.keys(value.logit_bias).length;
    if (biases > LIMITS.biases) {
      refuse(
        'logit_bias',
        `has ${biases} entries, at most ${LIMITS.biases} are taken; leave some out`,
        `有 ${biases} 项，至多 ${LIMITS.biases} 项；请减少`,
      );
    }
    if (value.suffix !== undefined && value.suffix !== '') {
      refuse('suffix', 'is not supported; leave it out', '不支持；请删去');
    }
    const { best_of: candidates = value.n } = value;
    if (candidates < value.n) {
      refuse(
        'best_of',
        `is ${candidates}, less than n = ${value.n}; raise it or leave it out`,
        `为 ${candidates}，小于 n = ${value.n}；请增大或删去`,
      );
    } else if (candidates > value.n && value.stream) {
      refuse(
        'best_of',
        'chooses among finished answers and cannot be streamed; leave stream or best_of out',
        '在完成的结果中挑选，不能流式返回；请删去 stream 或 best_of',
      );
    }
    if (value.stream_options !== undefined && !value.stream) {
      refuse(
        'stream_options',
        'is allowed only together with stream: true; leave it out',
        '只能与 stream: true 一起使用；请删去',
      );
    }
    for (const { field, message } of [...contradictions(value, DEFAULTS), ...constraintMistakes(value)]) {
      refuse(field as keyof typeof value, message.en, message.zh);
    }
    const prompts = promptsOf(value.prompt).length;
    const most = Math.max(value.n, candidates);
    if (value.n <= LIMITS.choices && prompts * most > LIMITS.sequences) {
      const field = most > value.n ? 'best_of' : 'n';
      refuse(
        field,
        `${prompts} prompts times ${field} = ${most} are ${prompts * most} answers, at most ${LIMITS.sequences} are made at once; send several requests`,
        `${prompts} 条提示乘以 ${field} = ${most} 为 ${prompts * most} 个结果，一次至多 ${LIMITS.sequences} 个；请分成几个请求`,
      );
    }
  });

function isInteger(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || Number.isInteger(value);
}

/** The fields of a body that change nothing: unknown ones, and known ones of which only the default can be had. */
export function ignoredFields(body: unknown, schema: z.ZodObject = completionRequestSchema): string[] {
  if (!isObject(body)) return [];
  const options = isObject(body.stream_options) ? body.stream_options : {};
  return [
    ...Object.keys(body).filter((name) => !Object.hasOwn(schema.shape, name)),
    ...Object.keys(options)
      .filter((name) => !Object.hasOwn(streamOptions.shape, name) || (name === 'include_obfuscation' && options[name]))
      .map((name) => `stream_options.${name}`),
  ];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a client may send. */
export type CompletionRequestInput = z.input<typeof completionRequestSchema>;
/** A checked request, every default filled in. */
export type CompletionRequest = z.output<typeof completionRequestSchema>;

/** The prompts of a request one by one: texts, or lists of token ids. */
export function promptsOf(value: CompletionRequest['prompt']): (string | number[])[] {
  if (typeof value === 'string') return [value];
  return typeof value[0] === 'number' ? [value as number[]] : (value as (string | number[])[]);
}

/** The stop strings of a request. */
export function stopsOf(value: CompletionRequest['stop']): string[] {
  return typeof value === 'string' ? [value] : value;
}
