/**
 * The reference of the HTTP API, docs/http-api.md and docs/zh/http-api.md: fields, limits, defaults and errors from the schemas and
 * tables that the server itself uses.
 */
import { errorRows } from '@tunan/api';
import {
  batchRequestSchema,
  batchSchema,
  chatCompletionSchema,
  chatRequestSchema,
  completionRequestSchema,
  completionSchema,
  embeddingsRequestSchema,
  embeddingsSchema,
  errorBodySchema,
  type Language,
  modelSchema,
  moderationsRequestSchema,
  moderationsSchema,
  responsesRequestSchema,
  yuanReplySchema,
  yuanResultSchema,
  yuanSubmitSchema,
} from '@tunan/protocol';
import { chineseOf } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { HTTP_API_PROSE } from './http-api-prose.ts';
import { LANGUAGES, type Page, pageFile } from './page.ts';

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
}

const KINDS: Readonly<Record<Language, Readonly<Record<string, string>>>> = {
  en: {
    ...{ string: 'text', number: 'number', integer: 'integer', boolean: 'true or false', object: 'object' },
    ...{
      list: 'list of {}',
      map: 'object of {}',
      or: ' or ',
      most: '{}, at most {}',
      letters: 'characters',
      any: 'any',
    },
  },
  zh: {
    ...{ string: '文本', number: '数字', integer: '整数', boolean: 'true 或 false', object: '对象' },
    ...{ list: '{} 的列表', map: '{} 的对象', letters: '字' },
  },
};

const fill = (pattern: string, ...values: readonly unknown[]): string =>
  values.reduce<string>((text, value) => text.replace('{}', String(value)), pattern);

/** Such as «number ≥ 0, ≤ 2», «text / list of text (≤ 128)». */
function kindOf(schema: JsonSchema, language: Language): string {
  const words = KINDS[language];
  const { anyOf, items, additionalProperties } = schema;
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(' / ');
  if (anyOf !== undefined) {
    const branches = anyOf.filter(({ type }) => type !== 'null').map((branch) => kindOf(branch, language));
    return [...new Set(branches)].join(' / ');
  }
  if (items !== undefined) {
    const list = fill(words.list!, kindOf(items, language));
    return schema.maxItems === undefined ? list : `${list} (≤ ${schema.maxItems})`;
  }
  if (typeof additionalProperties === 'object' && Object.keys(additionalProperties).length > 0)
    return fill(words.map!, kindOf(additionalProperties, language));
  const kind = words[[schema.type ?? []].flat().find((type) => type !== 'null') ?? ''];
  if (kind === undefined) throw new Error(`there is no word for ${JSON.stringify(schema)}`);
  if (schema.maxLength !== undefined) return `${kind} (≤ ${schema.maxLength} ${words.letters})`;
  return `${kind}${rangeOf(schema)}`;
}

function rangeOf({ minimum, maximum, exclusiveMinimum }: JsonSchema): string {
  const shown = (value: number | undefined) =>
    value === undefined || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? undefined : value;
  const [least, most, above] = [shown(minimum), shown(maximum), shown(exclusiveMinimum)];
  const bounds = [
    ...(above === undefined ? [] : [`> ${above}`]),
    ...(least === undefined ? [] : [`≥ ${least}`]),
    ...(most === undefined ? [] : [`≤ ${most}`]),
  ];
  return bounds.length === 0 ? '' : ` ${bounds.join(', ')}`;
}

function meaningOf({ description = '' }: JsonSchema, language: Language): string {
  if (language === 'en' || description === '') return description;
  const chinese = chineseOf(description);
  if (chinese === undefined) throw new Error(`there is no Chinese for ${JSON.stringify(description)}`);
  return chinese;
}

/** A name such as <eod> is text, not a tag. */
const asCell = (cell: string): string => cell.replaceAll('|', '\\|').replaceAll('<', '&lt;');

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(asCell).join(' | ')} |`).join('\n');

/** @param least what a request must have */
function requestTable(schema: z.ZodType, least: Readonly<Record<string, unknown>>, language: Language): string {
  const parsed = schema.parse(least) as Readonly<Record<string, unknown>>;
  const defaults = Object.fromEntries(Object.entries(parsed).filter(([name]) => !(name in least)));
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const rows = Object.entries(properties).map(([name, schema]) => [
    `\`${name}\``,
    kindOf(schema, language),
    defaults[name] === undefined ? '–' : `\`${JSON.stringify(defaults[name])}\``,
    meaningOf(schema, language),
  ]);
  return table(HTTP_API_PROSE[language].requestHead, rows);
}

function answerTable(schema: z.ZodType, language: Language): string {
  return table(
    HTTP_API_PROSE[language].answerHead,
    answerRows(z.toJSONSchema(schema) as JsonSchema, '').map(([path, field]) => [
      `\`${path}\``,
      kindOf(field, language),
      meaningOf(field, language),
    ]),
  );
}

/** The fields of an answer with their places, `[]` for the entries of a list. */
function answerRows(schema: JsonSchema, place: string): [string, JsonSchema][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = place === '' ? name : `${place}.${name}`;
    const inner = field.anyOf?.find(({ properties }) => properties !== undefined) ?? field;
    if (inner.items?.properties !== undefined) return [[path, field], ...answerRows(inner.items, `${path}[]`)];
    return [[path, field] as [string, JsonSchema], ...answerRows(inner, path)];
  });
}

function errorTable(language: Language): string {
  const rows = errorRows().map(({ status, code, when }) => [String(status), `\`${code}\``, when[language]]);
  return table(HTTP_API_PROSE[language].errorHead, rows);
}

const BATCH = { input_file_id: '', endpoint: '/v1/completions', completion_window: '24h' };

/** The whole page in one language. */
function httpApiReference(language: Language): string {
  const tables: Readonly<Record<string, string>> = {
    request: requestTable(completionRequestSchema, {}, language),
    chatRequest: requestTable(chatRequestSchema, { messages: [{ role: 'user', content: '' }] }, language),
    chatAnswer: answerTable(chatCompletionSchema, language),
    answer: answerTable(completionSchema, language),
    model: answerTable(modelSchema, language),
    responses: requestTable(responsesRequestSchema, { input: '春' }, language),
    embeddings: requestTable(embeddingsRequestSchema, { input: '春' }, language),
    embeddingsAnswer: answerTable(embeddingsSchema, language),
    batches: requestTable(batchRequestSchema, BATCH, language),
    batchAnswer: answerTable(batchSchema, language),
    moderations: requestTable(moderationsRequestSchema, { input: '春' }, language),
    moderationsAnswer: answerTable(moderationsSchema, language),
    yuanSubmit: requestTable(yuanSubmitSchema, { account: '', data: '' }, language),
    yuanResult: requestTable(yuanResultSchema, { account: '', requestId: '' }, language),
    yuanReply: answerTable(yuanReplySchema, language),
    error: answerTable(errorBodySchema, language),
    errors: errorTable(language),
  };
  const filled = HTTP_API_PROSE[language].page.replace(/^\{\{(\w+)\}\}$/gm, (_, name: string) => {
    const found = tables[name];
    if (found === undefined) throw new Error(`there is no table ${name}`);
    return found;
  });
  return `${filled.trim()}\n`;
}

export function httpApiReferences(): Page[] {
  return LANGUAGES.map((language) => ({ file: pageFile('http-api', language), wanted: httpApiReference(language) }));
}
