/**
 * The reference of a zod schema as Markdown tables: every field with what it takes, its default and what it means, in one language.
 * Where a field is a list told apart by a name (`use`, `type`), each name has a section of its own. What is said of a field comes from
 * `.describe(inBoth(…))`.
 */
import type { Said } from '@tunan/files';
import type * as z from 'zod';
import { chineseOf } from './said.ts';
import { alternatives, discriminatorOf, innerSchema, membersOf, type Schema } from './schema-walk.ts';

type Language = 'en' | 'zh';

/** Tables of the schema, under headings of the given depth. */
export function schemaReference(schema: z.ZodType, language: Language, depth = 2): string {
  const parts = [table(schema as Schema, language)];
  for (const [name, member] of Object.entries(membersOf(schema as Schema) ?? {})) {
    const union = elementOf(member);
    const tag = discriminatorOf(union);
    if (union === undefined || tag === undefined) continue;
    parts.push(`${'#'.repeat(depth)} ${name}`, descriptionOf(member, language));
    for (const branch of alternatives(union)) {
      const value = literalOf(membersOf(branch)![tag]!);
      parts.push(
        `${'#'.repeat(depth + 1)} ${value}`,
        `\`"${tag}": "${value}"\` ${descriptionOf(branch, language)}`.trim(),
      );
      const rest = rowsOf(branch, language, '').filter((row) => !row.startsWith(`| \`${tag}\` |`));
      if (rest.length > 0) parts.push([...HEADS[language], ...rest].join('\n'));
    }
  }
  return parts.filter((part) => part !== '').join('\n\n');
}

const HEADS: Record<Language, string[]> = {
  en: ['| field | takes | default | meaning |', '|---|---|---|---|'],
  zh: ['| 字段 | 取值 | 默认 | 含义 |', '|---|---|---|---|'],
};

function table(schema: Schema, language: Language): string {
  return [...HEADS[language], ...rowsOf(schema, language, '')].join('\n');
}

/** A row a field; the fields of an object inside by `a.b`, of a list of objects by `a[].b`. */
function rowsOf(schema: Schema, language: Language, above: string): string[] {
  return Object.entries(membersOf(schema) ?? {}).flatMap(([key, member]) => {
    const name = `${above}${key}`;
    const cells = [
      `\`${name}\``,
      kindOf(member, language),
      defaultOf(member, language),
      descriptionOf(member, language),
    ];
    const own = `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
    const entry = elementOf(member);
    if (membersOf(member) !== undefined) return [own, ...rowsOf(member, language, `${name}.`)];
    if (entry !== undefined && membersOf(entry) !== undefined) return [own, ...rowsOf(entry, language, `${name}[].`)];
    return [own];
  });
}

interface Def {
  type: string;
  innerType?: Schema;
  defaultValue?: unknown;
  element?: Schema;
  valueType?: Schema;
  values?: unknown[];
  entries?: Record<string, string>;
  options?: Schema[];
  items?: Schema[];
  parts?: (string | Schema)[];
  checks?: { _zod: { def: { format?: string } } }[];
  format?: string;
}

const defOf = (schema: Schema) => schema._zod.def as unknown as Def;

function elementOf(schema: Schema): Schema | undefined {
  return defOf(innerSchema(schema)).element;
}

const KINDS: Readonly<Record<string, Said>> = {
  string: { en: 'text', zh: '文本' },
  number: { en: 'number', zh: '数字' },
  boolean: { en: '`true` or `false`', zh: '`true` 或 `false`' },
  object: { en: 'object', zh: '对象' },
  unknown: { en: 'any value', zh: '任意值' },
};

function kindOf(schema: Schema, language: Language): string {
  const inner = innerSchema(schema);
  const { type, element, valueType, values, entries, options, items, parts, checks, format } = defOf(inner);
  const say = (en: string, zh: string) => (language === 'en' ? en : zh);
  if (type === 'literal') return values!.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  if (type === 'enum')
    return Object.values(entries!)
      .map((value) => `\`${value}\``)
      .join(', ');
  if (type === 'array') return say(`list of: ${kindOf(element!, language)}`, `列表：${kindOf(element!, language)}`);
  if (type === 'tuple') {
    const [one] = items!;
    return say(
      `list of ${items!.length}: ${kindOf(one!, language)}`,
      `${items!.length} 项的列表：${kindOf(one!, language)}`,
    );
  }
  if (type === 'template_literal')
    return `\`${parts!.map((part) => (typeof part === 'string' ? part : 'N')).join('')}\``;
  const whole = [format, ...(checks ?? []).map((check) => check._zod.def.format)].includes('safeint');
  if (type === 'number' && whole) return say('whole number', '整数');
  if (type === 'record')
    return say(`object of: ${kindOf(valueType!, language)}`, `对象，值为${kindOf(valueType!, language)}`);
  const tag = discriminatorOf(inner);
  if (tag !== undefined) return say(`object with \`${tag}\`, see below`, `含 \`${tag}\` 的对象，见下`);
  if (options !== undefined)
    return [...new Set(options.map((option) => kindOf(option, language)))].join(say(' or ', ' 或 '));
  return KINDS[type]?.[language] ?? type;
}

function defaultOf(schema: Schema, language: Language): string {
  const { type, defaultValue } = defOf(schema);
  if (type === 'default') {
    const shown = JSON.stringify(defaultValue);
    return shown === '""' || shown === '[]' || shown === '{}' ? '' : `\`${shown}\``;
  }
  if (type === 'prefault' || type === 'optional') return '';
  return language === 'en' ? 'needed' : '必填';
}

/** What the schema says of itself, outside or behind its default. */
function descriptionOf(schema: Schema, language: Language): string {
  const { description } = schema as { description?: string };
  const { innerType } = defOf(schema);
  if (description === undefined) return innerType === undefined ? '' : descriptionOf(innerType, language);
  return language === 'en' ? description : (chineseOf(description) ?? description);
}

function literalOf(schema: Schema): string {
  return String(defOf(innerSchema(schema)).values?.[0] ?? '');
}
