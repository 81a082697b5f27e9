/**
 * Writes the tables of fields in docs/ from the schemas of the files that people write: `npm run docs:fields`. A test fails where they
 * are behind.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { taskFileSchema } from '@tunan/evaluation';
import { chineseOf } from '@tunan/protocol/mistakes';
import { runRecipeSchema } from '@tunan/training';
import * as z from 'zod';

type Language = 'en' | 'zh';
type Shape = z.core.JSONSchema.BaseSchema;

const PAGES: readonly (readonly [string, Language, z.ZodType])[] = [
  ['docs/tasks.md', 'en', taskFileSchema],
  ['docs/tasks.zh-CN.md', 'zh', taskFileSchema],
  ['docs/run-recipe.md', 'en', runRecipeSchema],
  ['docs/run-recipe.zh-CN.md', 'zh', runRecipeSchema],
];
const START = '<!-- fields: written by scripts/field-reference.ts -->\n';
const END = '<!-- end of fields -->';

/** Every page as it is and as it should be. */
export function pages(): { readonly name: string; readonly content: string; readonly wanted: string }[] {
  return PAGES.map(([name, language, schema]) => {
    const content = readFileSync(placeOf(name), 'utf8');
    const [before, after] = [content.indexOf(START) + START.length, content.indexOf(END)];
    return { name, content, wanted: content.slice(0, before) + table(schema, language) + content.slice(after) };
  });
}

function placeOf(name: string): string {
  return fileURLToPath(new URL(`../${name}`, import.meta.url));
}

function table(schema: z.ZodType, language: Language): string {
  const heads = language === 'en' ? ['field', 'form', 'meaning'] : ['字段', '形式', '含义'];
  const shape = z.toJSONSchema(schema, { io: 'input' });
  return `| ${heads.join(' | ')} |\n|---|---|---|\n${rows(shape, '', language).join('')}`;
}

/** A row for every field, those inside behind the one that holds them. */
function rows({ properties = {}, required = [] }: Shape, above: string, language: Language): string[] {
  return Object.entries(properties).flatMap(([name, one]) => {
    const shape = one as Shape;
    const path = `${above}${name}`;
    const inner = shape.type === 'array' ? ((shape.items ?? {}) as Shape) : shape;
    const below =
      inner.properties === undefined ? [] : rows(inner, `${path}${inner === shape ? '.' : '[].'}`, language);
    return [
      `| \`${path}\` | ${form(shape, required.includes(name), language)} | ${meaning(path, shape, language)} |\n`,
      ...below,
    ];
  });
}

function form(shape: Shape, required: boolean, language: Language): string {
  const { default: given } = shape;
  const [needed, absent] = language === 'en' ? ['required', 'default'] : ['必填', '默认'];
  const comma = language === 'en' ? ', ' : '，';
  const more = required ? [needed] : given === undefined ? [] : [`${absent} \`${JSON.stringify(given)}\``];
  return [kind(shape, language), ...more].join(comma);
}

function kind(shape: Shape, language: Language): string {
  const word = (en: string, zh: string) => (language === 'en' ? en : zh);
  const either = shape.anyOf ?? shape.oneOf;
  if (either !== undefined) return either.map((one) => kind(one as Shape, language)).join(word(' or ', ' 或 '));
  if (shape.enum !== undefined) return shape.enum.map((one) => `\`${one}\``).join(' / ');
  if (shape.const !== undefined) return `\`${shape.const}\``;
  if (shape.type === 'array') {
    const items = (shape.prefixItems?.[0] ?? shape.items) as Shape;
    const one = kind(items, language);
    const count = shape.prefixItems?.length;
    return word(
      `list of ${count === undefined ? '' : `${count} times `}${one}`,
      `列表：${one}${count === undefined ? '' : `，共 ${count} 个`}`,
    );
  }
  if (shape.type === 'object' && shape.properties === undefined) {
    const values = Object.keys((shape.additionalProperties as object | undefined) ?? {}).length;
    if (values === 0) return word('object', '对象');
    const each = kind(shape.additionalProperties as Shape, language);
    return word(`object, each value: ${each}`, `对象，各值为：${each}`);
  }
  const names: Readonly<Record<string, string>> = {
    object: word('object', '对象'),
    string: word('text', '文本'),
    integer: word('whole number', '整数'),
    number: word('number', '数'),
    boolean: '`true` / `false`',
  };
  return names[String(shape.type)]! + bounds(shape);
}

/** Such as " > 0, ≤ 1". The bounds that every JSON number has are not worth saying. */
function bounds({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Shape): string {
  const parts = [
    minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER && `≥ ${minimum}`,
    typeof exclusiveMinimum === 'number' && `> ${exclusiveMinimum}`,
    maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER && `≤ ${maximum}`,
    typeof exclusiveMaximum === 'number' && `< ${exclusiveMaximum}`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? '' : ` ${parts.join(', ')}`;
}

/** @throws Error where the schema says nothing of a field, or says it in one language alone */
function meaning(path: string, { description }: Shape, language: Language): string {
  const said = description === undefined || language === 'en' ? description : chineseOf(description);
  if (said === undefined) throw new Error(`the field ${path} has no description in ${language}`);
  return said;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { name, wanted } of pages()) writeFileSync(placeOf(name), wanted);
}
