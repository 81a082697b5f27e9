/**
 * The options of `tunan model generate` that are fields of a request, and the body that they make.
 *
 * An option that is not given is not in the body, so that the lines of a batch can say otherwise, and defaults are those of the API but
 * for the length.
 */
import { readFileSync } from 'node:fs';
import type { OptionSpec } from '../command.ts';
import { CommandLineError } from '../errors.ts';
import { text } from '../language.ts';

export const DEFAULT_MAX_TOKENS = 100;

export const samplingOptions = {
  'max-tokens': {
    type: 'number',
    value: 'N',
    help: text(
      `most tokens to generate (default ${DEFAULT_MAX_TOKENS}; of a batch as the API has it)`,
      `最多生成的词元数（默认 ${DEFAULT_MAX_TOKENS}；批处理时为 API 的默认值）`,
    ),
  },
  choices: { type: 'number', value: 'N', help: text('texts to generate (default 1)', '生成的篇数（默认 1）') },
  temperature: {
    type: 'number',
    value: 'T',
    help: text('0 takes the likeliest token (default 1)', '0 表示总取最可能的词元（默认 1）'),
  },
  'top-k': {
    type: 'number',
    value: 'K',
    help: text('keep the K likeliest tokens; 0 is off', '只保留最可能的 K 个词元；0 为关闭'),
  },
  'top-p': {
    type: 'number',
    value: 'P',
    help: text('keep this share of the mass; 1 is off', '保留的概率总量；1 为关闭'),
  },
  'min-p': {
    type: 'number',
    value: 'P',
    help: text(
      'keep tokens this many times as likely as the likeliest; 0 is off',
      '保留概率不低于最可能词元此倍数的词元；0 为关闭',
    ),
  },
  'typical-p': {
    type: 'number',
    value: 'P',
    help: text('keep this share of the mass, nearest to the entropy; 1 is off', '保留最接近熵的此概率总量；1 为关闭'),
  },
  'repetition-penalty': {
    type: 'number',
    value: 'F',
    help: text('over prompt and text, as vLLM has it; 1 is off', '作用于提示与生成文本，同 vLLM；1 为关闭'),
  },
  'frequency-penalty': {
    type: 'number',
    value: 'F',
    help: text("Yuan's penalty, by how often a token came; 1 is off", '源 1.0 的频率惩罚，按出现次数；1 为关闭'),
  },
  'response-penalty': {
    type: 'number',
    value: 'F',
    help: text('the same with the count capped at 1', '同上，但次数最多计 1'),
  },
  'additive-presence': {
    type: 'number',
    value: 'F',
    help: text("OpenAI's presence_penalty; 0 is off", 'OpenAI 的 presence_penalty；0 为关闭'),
  },
  'additive-frequency': {
    type: 'number',
    value: 'F',
    help: text("OpenAI's frequency_penalty; 0 is off", 'OpenAI 的 frequency_penalty；0 为关闭'),
  },
  'no-repeat-ngram-size': {
    type: 'number',
    value: 'N',
    help: text('no n-gram twice; 0 is off', '不重复的 n 元组长度；0 为关闭'),
  },
  'min-tokens': { type: 'number', value: 'N', help: text('fewest tokens to generate', '最少生成的词元数') },
  'ignore-eos': {
    type: 'boolean',
    help: text('never end the text before --max-tokens', '不在 --max-tokens 之前结束文本'),
  },
  stop: { type: 'strings', value: 'TEXT …', help: text('end before any of these texts', '在其中任一文本之前结束') },
  seed: { type: 'number', value: 'N', help: text('the same seed gives the same text', '相同种子生成相同文本') },
  'json-schema': {
    type: 'string',
    value: 'FILE',
    help: text('the answer is JSON that satisfies this JSON schema', '回答是符合此 JSON 模式的 JSON'),
  },
  regex: {
    type: 'string',
    value: 'PATTERN',
    help: text('the whole answer matches this regular expression', '整个回答匹配此正则表达式'),
  },
  grammar: {
    type: 'string',
    value: 'FILE',
    help: text('the answer follows this grammar, in GBNF', '回答符合此 GBNF 文法'),
  },
} as const satisfies Readonly<Record<string, OptionSpec>>;

/** Options by the field that they fill. */
const FIELDS: Readonly<Record<string, string>> = {
  'max-tokens': 'max_tokens',
  choices: 'n',
  temperature: 'temperature',
  'top-k': 'top_k',
  'top-p': 'top_p',
  'min-p': 'min_p',
  'typical-p': 'typical_p',
  'repetition-penalty': 'repetition_penalty',
  'frequency-penalty': 'frequencyPenalty',
  'response-penalty': 'responsePenalty',
  'additive-presence': 'presence_penalty',
  'additive-frequency': 'frequency_penalty',
  'no-repeat-ngram-size': 'noRepeatNgramSize',
  'min-tokens': 'min_tokens',
  'ignore-eos': 'ignore_eos',
  stop: 'stop',
  seed: 'seed',
};

/** @throws CommandLineError for a file that cannot be read */
export async function bodyOf(values: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>> {
  const given = Object.entries(FIELDS)
    .map(([option, field]) => [field, values[option]] as const)
    .filter(([, value]) => value !== undefined && value !== false);
  const { 'json-schema': schemaFile, regex, grammar } = values;
  return {
    ...Object.fromEntries(given),
    ...(typeof schemaFile === 'string' && { json_schema: await readSchema(schemaFile) }),
    ...(typeof regex === 'string' && { structured_outputs: { regex } }),
    ...(typeof grammar === 'string' && { grammar: readText(grammar) }),
  };
}

async function readSchema(file: string): Promise<unknown> {
  const { readJsonFile } = await import('@tunan/protocol/mistakes');
  const read = readJsonFile(file);
  if ('problem' in read) throw new CommandLineError('CLI_INPUT', read.problem, { cause: read.cause });
  return read.value;
}

/** A text file whole, without the line end that editors put last. @throws an error of the system naming the file */
export function readText(file: string): string {
  return readFileSync(file, 'utf8')
    .replace(/^\ufeff/, '')
    .replace(/\r?\n$/, '');
}
