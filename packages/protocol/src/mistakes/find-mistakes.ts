/**
 * Checks a value against a zod schema and tells all that is wrong with it, each mistake with its field, what is allowed and, for a
 * name that nobody knows, the names that are known.
 *
 * zod's own sentences are not shown: they come in one language at a time and do not know the names beside the wrong one. What a
 * schema says itself (`.regex(…, inBoth(en, zh))`, `.refine(…, inBoth(en, zh))`) is shown in the language asked for.
 */
import type { Said } from '@tunan/files';
import type * as z from 'zod';
import { hintAt } from './nearest.ts';
import { chineseOf } from './said.ts';
import { alternatives, discriminatorOf, innerSchema, kindOf, membersOf, type Schema, schemaAt } from './schema-walk.ts';

export interface Mistake extends Said {
  /** Dotted path of the field, such as `stages.2.ngram`; empty for the whole value. */
  readonly path: string;
}

/** The value as the schema reads it, or every mistake in it. */
export function findMistakes<S extends z.ZodType>(
  schema: S,
  value: unknown,
): { readonly value: z.output<S> } | { readonly mistakes: readonly Mistake[] } {
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data };
  return { mistakes: result.error.issues.flatMap((issue) => explainIssue(issue, schema as Schema, value)) };
}

/** One mistake in one line; several below a line that counts them. `where` is the file or what else the value stands in. */
export function listMistakes(where: string, mistakes: readonly Mistake[]): Said {
  const at = ({ path }: Mistake, colon: string) => (path === '' ? '' : `${path}${colon}`);
  const [only] = mistakes;
  if (only !== undefined && mistakes.length === 1) {
    return { en: `${where}: ${at(only, ': ')}${only.en}`, zh: `${where}：${at(only, '：')}${only.zh}` };
  }
  return {
    en: [`${where}: ${mistakes.length} mistakes`, ...mistakes.map((one) => `  ${at(one, ': ')}${one.en}`)].join('\n'),
    zh: [`${where}：有 ${mistakes.length} 处错误`, ...mistakes.map((one) => `  ${at(one, '：')}${one.zh}`)].join('\n'),
  };
}

type Issue = z.core.$ZodIssue;

/** The mistakes that one issue of zod stands for. */
export function explainIssue(issue: Issue, schema: Schema, value: unknown): Mistake[] {
  return explain(issue, schema, value, []);
}

function explain(issue: Issue, schema: Schema, value: unknown, above: readonly PropertyKey[]): Mistake[] {
  const path = [...above, ...issue.path];
  const seen = valueAt(value, path);
  const one = (said: Said): Mistake[] => [{ path: path.map(String).join('.'), ...said }];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ path: path.map(String).join('.'), ...unknownField(key, schema, value, path) }));
    case 'invalid_union':
      return explainUnion(issue, schema, value, path);
    case 'invalid_value':
      return one(oneOf(issue.values.map(String), seen));
    case 'invalid_type':
      return one(wrongKind(schemaAt(schema, value, path), issue.expected, seen));
    case 'too_small':
      return one(
        bound(issue.origin, issue.minimum, seen, issue.exact ? 'exact' : issue.inclusive === false ? 'above' : 'least'),
      );
    case 'too_big':
      return one(
        bound(issue.origin, issue.maximum, seen, issue.exact ? 'exact' : issue.inclusive === false ? 'below' : 'most'),
      );
    case 'invalid_format':
      return one(chineseOf(issue.message) === undefined ? badFormat(issue.format, seen) : spoken(issue.message));
    case 'not_multiple_of':
      return one({ en: `must be a multiple of ${issue.divisor}`, zh: `应为 ${issue.divisor} 的倍数` });
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues.flatMap((inner) => explain(inner, schema, value, path));
    case 'custom':
      return one(
        typeof issue.params?.zh === 'string' ? { en: issue.message, zh: issue.params.zh } : spoken(issue.message),
      );
  }
}

/** What a schema says itself. */
function spoken(en: string): Said {
  return { en, zh: chineseOf(en) ?? en };
}

function unknownField(key: string, schema: Schema, value: unknown, path: readonly PropertyKey[]): Said {
  const known = Object.keys(membersOf(schemaAt(schema, value, path)) ?? {});
  const hint = hintAt(key, known);
  const names = known.join(', ');
  if (names === '') return { en: `unknown field "${key}"`, zh: `未知字段“${key}”` };
  return {
    en: `unknown field "${key}"; known: ${names}${hint.en}`,
    zh: `未知字段“${key}”；可用字段：${names}${hint.zh}`,
  };
}

/**
 * Of a union told apart by a field: the known values of that field. Of any other: the mistakes inside the branch that the value is
 * meant for, which is the one of its kind; where there is none, what the branches are.
 */
function explainUnion(
  issue: Issue & { code: 'invalid_union' },
  schema: Schema,
  value: unknown,
  path: PropertyKey[],
): Mistake[] {
  const union = schemaAt(schema, value, path) ?? schemaAt(schema, value, path.slice(0, -1));
  const tag = discriminatorOf(union);
  const branches = alternatives(union);
  if (tag !== undefined) {
    const whole = path.at(-1) === tag ? path.slice(0, -1) : path;
    const known = branches
      .flatMap((branch) => alternatives(branch))
      .flatMap((branch) => literalsOf(membersOf(branch)?.[tag]));
    const seen = (valueAt(value, whole) as Record<string, unknown>)[tag];
    const meant = issue.errors.find((branch) => branch.length > 0 && branch.every((inner) => inner.path[0] !== tag));
    if (meant !== undefined && known.includes(String(seen)))
      return meant.flatMap((one) => explain(one, schema, value, path));
    return [{ path: [...whole, tag].map(String).join('.'), ...oneOf(known, seen) }];
  }
  const seen = valueAt(value, path);
  if (seen === undefined) return [{ path: path.map(String).join('.'), en: 'is missing', zh: '缺少此字段' }];
  const fitting = branches.findIndex((branch) => schemaKind(branch) === kindOf(seen));
  const inner = fitting < 0 ? undefined : issue.errors[fitting];
  if (inner !== undefined && inner.length > 0) return inner.flatMap((one) => explain(one, schema, value, path));
  const kinds = branches.map(
    (branch) => KINDS[schemaKind(branch)] ?? { en: schemaKind(branch), zh: schemaKind(branch) },
  );
  const en = `expected ${kinds.map((kind) => kind.en).join(' or ')}, not ${show(seen)}`;
  return [
    {
      path: path.map(String).join('.'),
      en,
      zh: `应为${kinds.map((kind) => kind.zh).join('或')}，而不是 ${show(seen)}`,
    },
  ];
}

function oneOf(known: readonly string[], seen: unknown): Said {
  const names = known.join(', ');
  if (seen === undefined) return { en: `is missing; one of: ${names}`, zh: `缺少此字段；可用：${names}` };
  const hint = hintAt(String(seen), known);
  return {
    en: `unknown ${show(seen)}; known: ${names}${hint.en}`,
    zh: `未知的 ${show(seen)}；可用：${names}${hint.zh}`,
  };
}

const KINDS: Record<string, Said> = {
  string: { en: 'a text', zh: '文本' },
  number: { en: 'a number', zh: '数字' },
  int: { en: 'a whole number', zh: '整数' },
  boolean: { en: 'true or false', zh: 'true 或 false' },
  array: { en: 'a list', zh: '列表' },
  tuple: { en: 'a list', zh: '列表' },
  object: { en: 'an object', zh: '对象' },
  record: { en: 'an object', zh: '对象' },
};

function wrongKind(schema: Schema | undefined, expected: string, seen: unknown): Said {
  const kind = KINDS[expected] ?? { en: expected, zh: expected };
  const tag = discriminatorOf(schema);
  if (tag !== undefined) {
    const known = alternatives(schema).flatMap((branch) => literalsOf(membersOf(branch)?.[tag]));
    const meant = known.includes(String(seen)) ? String(seen) : (known[0] ?? '');
    const example = `{"${tag}": "${meant}"}`;
    return {
      en: `expected an object such as ${example}, not ${show(seen)}`,
      zh: `应为对象，例如 ${example}，而不是 ${show(seen)}`,
    };
  }
  if (seen === undefined) return { en: `is missing: ${kind.en} is needed`, zh: `缺少此字段：应为${kind.zh}` };
  return { en: `expected ${kind.en}, not ${show(seen)}`, zh: `应为${kind.zh}，而不是 ${show(seen)}` };
}

function bound(
  origin: string,
  limit: number | bigint,
  seen: unknown,
  sort: 'least' | 'most' | 'above' | 'below' | 'exact',
): Said {
  const units: Record<string, Said> = {
    string: { en: ' characters', zh: ' 个字符' },
    array: { en: ' entries', zh: ' 项' },
  };
  const unit = units[origin] ?? { en: '', zh: '' };
  const words = {
    least: { en: 'at least', zh: '至少' },
    most: { en: 'at most', zh: '至多' },
    above: { en: 'more than', zh: '大于' },
    below: { en: 'less than', zh: '小于' },
    exact: { en: 'exactly', zh: '正好' },
  }[sort];
  if (origin === 'string' && sort === 'least' && Number(limit) === 1)
    return { en: 'is empty: a text is needed', zh: '为空：应填文本' };
  if (origin === 'array' && sort === 'least' && Number(limit) === 1) {
    return { en: 'is an empty list: at least one entry is needed', zh: '列表为空：至少要有一项' };
  }
  const now = origin === 'number' || origin === 'int' ? String(seen) : String((seen as { length?: number }).length);
  return {
    en: `must be ${words.en} ${limit}${unit.en}, not ${now}`,
    zh: `应为${words.zh} ${limit}${unit.zh}，而不是 ${now}`,
  };
}

function badFormat(format: string, seen: unknown): Said {
  const names: Record<string, Said> = { url: { en: 'an address (https://…)', zh: '网址（https://…）' } };
  const { en, zh } = names[format] ?? { en: `of the form ${format}`, zh: `${format} 形式` };
  return { en: `${show(seen)} is not ${en}`, zh: `${show(seen)} 不是${zh}` };
}

/** A value in a message: short, in one line. */
function show(value: unknown): string {
  const kind = kindOf(value);
  if (kind === 'object') return '{…}';
  if (kind === 'array') return (value as unknown[]).length === 0 ? '[]' : '[…]';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key], value);
}

function schemaKind(schema: Schema): string {
  const { type } = innerSchema(schema)._zod.def;
  return type === 'record'
    ? 'object'
    : type === 'tuple'
      ? 'array'
      : type === 'int'
        ? 'number'
        : type === 'enum'
          ? 'string'
          : type;
}

function literalsOf(schema: Schema | undefined): string[] {
  if (schema === undefined) return [];
  const def = innerSchema(schema)._zod.def as unknown as {
    type: string;
    values?: unknown[];
    entries?: Record<string, string>;
  };
  return def.type === 'literal' ? def.values!.map(String) : def.type === 'enum' ? Object.values(def.entries!) : [];
}
