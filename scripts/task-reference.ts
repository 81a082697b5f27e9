/**
 * Writes the tables of docs/tasks.md and docs/tasks.zh-CN.md from the schema of task files: `npm run docs:tasks`. A test
 * fails where they are behind.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { taskFileSchema } from '@tunan/evaluation';
import { chineseOf } from '@tunan/protocol/mistakes';
import * as z from 'zod';

type Language = 'en' | 'zh';
type Shape = z.core.JSONSchema.BaseSchema;

const PAGES: readonly (readonly [string, Language])[] = [
  ['docs/tasks.md', 'en'],
  ['docs/tasks.zh-CN.md', 'zh'],
];
const START = '<!-- fields: written by scripts/task-reference.ts -->\n';
const END = '<!-- end of fields -->';

export function pageOf(language: Language): {
  readonly file: string;
  readonly content: string;
  readonly wanted: string;
} {
  const [name] = PAGES.find(([, one]) => one === language)!;
  const file = fileURLToPath(new URL(`../${name}`, import.meta.url));
  const content = readFileSync(file, 'utf8');
  const [before, after] = [content.indexOf(START) + START.length, content.indexOf(END)];
  return { file, content, wanted: content.slice(0, before) + table(language) + content.slice(after) };
}

function table(language: Language): string {
  const heads = language === 'en' ? ['field', 'form', 'meaning'] : ['字段', '形式', '含义'];
  const schema = z.toJSONSchema(taskFileSchema, { io: 'input' });
  return `| ${heads.join(' | ')} |\n|---|---|---|\n${rows(schema, '', language).join('')}`;
}

/** A row for every field, those inside behind the one that holds them. */
function rows({ properties = {}, required = [] }: Shape, above: string, language: Language): string[] {
  return Object.entries(properties).flatMap(([name, one]) => {
    const shape = one as Shape;
    const path = `${above}${name}`;
    const inner = shape.type === 'array' ? (shape.items as Shape) : shape;
    const below =
      inner.properties === undefined ? [] : rows(inner, `${path}${inner === shape ? '.' : '[].'}`, language);
    return [
      `| \`${path}\` | ${form(shape, required.includes(name), language)} | ${meaning(shape, language)} |\n`,
      ...below,
    ];
  });
}

function form(shape: Shape, required: boolean, language: Language): string {
  const { default: given } = shape;
  const [needed, absent] = language === 'en' ? ['required', 'default'] : ['必填', '默认'];
  const more = required ? `, ${needed}` : given === undefined ? '' : `, ${absent} \`${JSON.stringify(given)}\``;
  return `${kind(shape, language)}${more}`;
}

function kind(shape: Shape, language: Language): string {
  const word = (en: string, zh: string) => (language === 'en' ? en : zh);
  if (shape.enum !== undefined) return shape.enum.map((one) => `\`${one}\``).join(' / ');
  if (shape.const !== undefined) return `\`${shape.const}\``;
  if (shape.type === 'array')
    return word(`list of: ${kind(shape.items as Shape, language)}`, `列表：${kind(shape.items as Shape, language)}`);
  if (shape.type === 'object' && shape.properties === undefined) {
    const values = kind(shape.additionalProperties as Shape, language);
    return word(`object, each value: ${values}`, `对象，各值为：${values}`);
  }
  if (shape.type === 'object') return word('object', '对象');
  return shape.type === 'string' ? word('text', '文本') : word('whole number', '整数');
}

/** @throws Error where the schema says nothing of a field, or says it in one language alone */
function meaning({ description }: Shape, language: Language): string {
  const said = description === undefined || language === 'en' ? description : chineseOf(description);
  if (said === undefined) throw new Error(`a field of task files has no description in ${language}`);
  return said;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [, language] of PAGES) {
    const { file, wanted } = pageOf(language);
    writeFileSync(file, wanted);
  }
}
