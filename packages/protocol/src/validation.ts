/**
 * Turns a failed schema check into one line for the caller, in English or Chinese: every field at fault, what is wrong
 * with it, and what to do. Does not check anything by itself.
 */
import type { Said } from '@tunan/files';
import type * as z from 'zod';
import { type Advice, adviceOf } from './field.ts';
import { explainIssue } from './mistakes/find-mistakes.ts';
import { chineseOf } from './mistakes/said.ts';
import { memberAt, type Schema } from './mistakes/schema-walk.ts';

export type Language = 'en' | 'zh';

/** What was wrong with a request: the first field at fault (dotted path, null for the whole body) and one line about all. */
export interface InvalidInput {
  readonly param: string | null;
  readonly message: string;
}

type Issue = z.core.$ZodIssue;
const KINDS: Readonly<Record<string, Said>> = {
  string: { en: 'a text', zh: '文本' },
  number: { en: 'a number', zh: '数字' },
  int: { en: 'an integer', zh: '整数' },
  boolean: { en: 'true or false', zh: 'true 或 false' },
  array: { en: 'a list', zh: '列表' },
  object: { en: 'an object', zh: '对象' },
  record: { en: 'an object', zh: '对象' },
  null: { en: 'null', zh: 'null' },
  undefined: { en: 'nothing', zh: '空' },
};

/** More faults than this are counted, not told. */
const TOLD = 6;

/** The language that an Accept-Language header prefers; English when it names neither. */
export function preferredLanguage(acceptLanguage: string | undefined): Language {
  const ranges = (acceptLanguage ?? '').split(',').map((range, position) => {
    const [tag = '', ...parameters] = range.trim().toLowerCase().split(';');
    const quality = parameters.map((p) => /^\s*q=([\d.]+)$/.exec(p)?.[1]).find((q) => q !== undefined);
    return { tag: tag.trim(), quality: quality === undefined ? 1 : Number(quality), position };
  });
  ranges.sort((a, b) => b.quality - a.quality || a.position - b.position);
  for (const { tag, quality } of ranges) {
    if (!(quality > 0)) continue;
    if (tag === 'zh' || tag.startsWith('zh-')) return 'zh';
    if (tag === 'en' || tag.startsWith('en-')) return 'en';
  }
  return 'en';
}

/** Why `schema` refuses `input`, or undefined when it accepts it. */
export function describeInvalid(schema: z.ZodType, input: unknown, language: Language): InvalidInput | undefined {
  const result = schema.safeParse(input);
  if (result.success) return undefined;
  const issues = result.error.issues.map((issue) => narrowed(issue, schema, input));
  const [first] = issues;
  if (first === undefined) throw new Error('zod refused the input without an issue');
  const told = issues.slice(0, TOLD).flatMap((issue) => describeIssue(issue, schema, input, language));
  const left = issues.length - told.length;
  const more = left === 0 ? '' : language === 'zh' ? `（另有 ${left} 处错误）` : ` (and ${left} more)`;
  const param = first.path.length === 0 ? null : first.path.map(String).join('.');
  return { param, message: told.join(language === 'zh' ? '；' : '; ') + more };
}

/** Of a union, the branch that is meant, where only a limit of it is passed; else the issue stays one of the whole union. */
function narrowed(issue: Issue, schema: Schema, input: unknown): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const meant = adviceOf(memberAt(schema, issue.path))?.meant?.(valueAt(input, issue.path));
  const branch = meant === undefined ? [] : (issue.errors[meant] ?? []);
  const [first] = branch;
  if (first === undefined || branch.some(({ code }) => code !== 'too_big' && code !== 'too_small')) return issue;
  return { ...first, path: [...issue.path, ...first.path] } as Issue;
}

/** What the schema of the field says beyond the rule, or that of the field that it is a part of. */
function adviceAt(schema: Schema, path: readonly PropertyKey[]): Advice | undefined {
  if (path.length === 0) return undefined;
  return adviceOf(memberAt(schema, path)) ?? adviceAt(schema, path.slice(0, -1));
}

function describeIssue(issue: Issue, schema: Schema, input: unknown, language: Language): string[] {
  const advice = adviceAt(schema, issue.path);
  const knowsNames = issue.code === 'unrecognized_keys' || (issue.code === 'invalid_union' && advice === undefined);
  if (knowsNames) return explainIssue(issue, schema, input).map((one) => atPlace(one.path, one[language], language));
  return [
    atPlace(
      issue.path.map(String).join('.'),
      describeFault(issue, advice, valueAt(input, issue.path), language),
      language,
    ),
  ];
}

function atPlace(place: string, what: string, language: Language): string {
  if (place === '') return language === 'zh' ? `请求体${what}` : `the body: ${what}`;
  return language === 'zh' ? `${place}：${what}` : `${place}: ${what}`;
}

function describeFault(issue: Issue, advice: Advice | undefined, value: unknown, language: Language): string {
  const zh = language === 'zh';
  const notThis = zh ? `，而不是${shown(value, language)}` : `, not ${shown(value, language)}`;
  switch (issue.code) {
    case 'invalid_type': {
      const wanted = KINDS[issue.expected]?.[language] ?? issue.expected;
      return (zh ? `应为${wanted}` : `expected ${wanted}`) + notThis;
    }
    case 'too_big':
      return describeLimit(value, Number(issue.maximum), language) + (advice?.wayOut?.[language] ?? '');
    case 'too_small':
      if (lengthOf(value) === 0) return zh ? '不能为空' : 'is empty; give at least one, or leave it out';
      if (issue.inclusive === false) return zh ? `须大于 ${issue.minimum}` : `must be greater than ${issue.minimum}`;
      return zh ? `至少为 ${issue.minimum}，而不是 ${value}` : `must be at least ${issue.minimum}, not ${value}`;
    case 'invalid_union':
      return advice?.expected?.[language] ?? issue.message;
    case 'invalid_key':
      return spoken(issue.issues[0]?.message ?? issue.message, language);
    case 'custom':
      if (typeof issue.params?.zh === 'string') return zh ? issue.params.zh : issue.message;
      return advice?.expected === undefined ? spoken(issue.message, language) : advice.expected[language] + notThis;
    default:
      return spoken(issue.message, language);
  }
}

/** What a schema says itself. */
function spoken(message: string, language: Language): string {
  return language === 'zh' ? (chineseOf(message) ?? message) : message;
}

function describeLimit(value: unknown, most: number, language: Language): string {
  const zh = language === 'zh';
  if (typeof value === 'string') {
    return zh
      ? `有 ${value.length} 个字符，至多 ${most} 个`
      : `has ${value.length} characters, at most ${most} are taken`;
  }
  if (Array.isArray(value)) {
    return zh ? `有 ${value.length} 项，至多 ${most} 项` : `has ${value.length} entries, at most ${most} are taken`;
  }
  return zh ? `至多为 ${most}，而不是 ${value}` : `must be at most ${most}, not ${value}`;
}

/** What was sent instead: short things as they are, long ones by their kind. */
function shown(value: unknown, language: Language): string {
  const kind = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  if (kind === 'string' && String(value).length <= 20) return JSON.stringify(value);
  if (kind === 'number' || kind === 'bigint') return String(value);
  return KINDS[kind]?.[language] ?? kind;
}

const lengthOf = (value: unknown): number | undefined =>
  typeof value === 'string' || Array.isArray(value) ? value.length : undefined;

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    input,
  );
}
