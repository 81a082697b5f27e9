/**
 * What an answer must satisfy, as OpenAI (response_format), vLLM (structured_outputs) and llama.cpp (json_schema, grammar) ask for it.
 *
 * At most one of them in a request. Whether a schema, expression or grammar can be honoured is for the engine, which says so before it
 * computes anything.
 */
import type { Said } from '@tunan/files';
import { z } from 'zod';
import { advising, optional } from './field.ts';

const schema = advising(z.union([z.record(z.string(), z.unknown()), z.boolean()]), {
  expected: { en: 'expected a JSON schema: an object', zh: '应为 JSON 模式：一个对象' },
});

/** vLLM takes the schema as a text too. */
const schemaOrText = advising(z.union([z.record(z.string(), z.unknown()), z.boolean(), z.string()]), {
  expected: { en: 'expected a JSON schema, as an object or a text', zh: '应为 JSON 模式，以对象或文本给出' },
});

const responseFormat = z.object({
  type: z.enum(['text', 'json_object', 'json_schema']),
  json_schema: z
    .object({
      name: z.string().nullish(),
      description: z.string().nullish(),
      strict: z.boolean().nullish(),
      schema: schema.nullish(),
    })
    .nullish(),
});

const structuredOutputs = z.object({
  json: schemaOrText.nullish(),
  regex: z.string().min(1).nullish(),
  choice: z.array(z.string()).min(1).max(1_000).nullish(),
  grammar: z.string().min(1).nullish(),
  json_object: z.boolean().nullish(),
});

export const constraintFields = {
  response_format: optional(
    responseFormat,
    'The form of the answer: {"type": "json_schema", "json_schema": {"schema": …}}, {"type": "json_object"}, or {"type": "text"} for any. The answer is JSON that satisfies the schema, unless max_tokens ends it before.',
    '回答的形式：{"type": "json_schema", "json_schema": {"schema": …}}、{"type": "json_object"}，或不加限制的 {"type": "text"}。只要未被 max_tokens 截断，回答就是符合模式的 JSON。',
  ),
  structured_outputs: optional(
    structuredOutputs,
    'Extension, vLLM: one of json (a JSON schema), regex (a regular expression for the whole answer), choice (a list of texts), grammar (GBNF), json_object (true).',
    '扩展（vLLM）：json（JSON 模式）、regex（匹配整个回答的正则表达式）、choice（文本列表）、grammar（GBNF 文法）、json_object（true）之一。',
  ),
  json_schema: optional(
    schema,
    'Extension, llama.cpp: the answer is JSON that satisfies this schema.',
    '扩展（llama.cpp）：回答是符合此模式的 JSON。',
  ),
  grammar: optional(
    z.string().min(1),
    'Extension, llama.cpp: a grammar in GBNF whose rule root the whole answer follows.',
    '扩展（llama.cpp）：GBNF 文法，整个回答符合其规则 root。',
  ),
};

type Asked = { readonly [K in keyof typeof constraintFields]: z.output<(typeof constraintFields)[K]> };

/** What the whole answer must satisfy, and the field that says so. */
export type RequestedConstraint = { readonly option: string } & (
  | { readonly kind: 'json'; readonly schema: unknown }
  | { readonly kind: 'json-object' }
  | { readonly kind: 'regex'; readonly pattern: string }
  | { readonly kind: 'choice'; readonly texts: readonly string[] }
  | { readonly kind: 'grammar'; readonly source: string }
);

/** Of a checked request. */
export function constraintOf(request: Asked): RequestedConstraint | undefined {
  return constraintsOf(request)[0];
}

function constraintsOf({ response_format, structured_outputs, json_schema, grammar }: Asked): RequestedConstraint[] {
  const found: (RequestedConstraint | undefined)[] = [];
  const format = response_format?.type;
  if (format === 'json_object') found.push({ option: 'response_format', kind: 'json-object' });
  if (format === 'json_schema') {
    found.push({ option: 'response_format', kind: 'json', schema: response_format?.json_schema?.schema ?? true });
  }
  if (structured_outputs !== undefined) {
    const option = 'structured_outputs';
    const { json, regex, choice, grammar: source, json_object } = structured_outputs;
    if (json != null) found.push({ option, kind: 'json', schema: typeof json === 'string' ? parsed(json) : json });
    if (regex != null) found.push({ option, kind: 'regex', pattern: regex });
    if (choice != null) found.push({ option, kind: 'choice', texts: choice });
    if (source != null) found.push({ option, kind: 'grammar', source });
    if (json_object === true) found.push({ option, kind: 'json-object' });
  }
  if (json_schema !== undefined) found.push({ option: 'json_schema', kind: 'json', schema: json_schema });
  if (grammar !== undefined) found.push({ option: 'grammar', kind: 'grammar', source: grammar });
  return found.filter((one) => one !== undefined);
}

/** What is wrong with the constraint fields of a request. */
export function constraintMistakes(request: Asked): { readonly field: keyof Asked; readonly message: Said }[] {
  const { response_format: format, structured_outputs: structured } = request;
  if (format?.type === 'json_schema' && format.json_schema?.schema == null) {
    return [
      {
        field: 'response_format',
        message: { en: 'has no json_schema.schema; add it', zh: '缺少 json_schema.schema；请补上' },
      },
    ];
  }
  if (typeof structured?.json === 'string' && parsed(structured.json) === undefined) {
    return [{ field: 'structured_outputs', message: { en: 'json is no JSON text', zh: 'json 不是 JSON 文本' } }];
  }
  const [first, second] = constraintsOf(request);
  if (structured !== undefined && first === undefined) {
    const message = {
      en: 'asks for nothing; give json, regex, choice, grammar or json_object',
      zh: '没有内容；请给出 json、regex、choice、grammar 或 json_object',
    };
    return [{ field: 'structured_outputs', message }];
  }
  if (first !== undefined && second !== undefined) {
    const message = {
      en: `is a second constraint beside ${first.option}; leave one out`,
      zh: `与 ${first.option} 重复约束；请去掉一个`,
    };
    return [{ field: second.option as keyof Asked, message }];
  }
  if (first?.kind === 'json' && !isJson(first.schema)) {
    const message = { en: 'has a number beyond 2^53, which is not supported', zh: '含有超过 2^53 的数字，不支持' };
    return [{ field: first.option as keyof Asked, message }];
  }
  return [];
}

/** Undefined for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Integers that no number holds come as bigint. */
export function isJson(value: unknown): boolean {
  if (typeof value === 'bigint') return false;
  return typeof value !== 'object' || value === null || Object.values(value).every(isJson);
}
