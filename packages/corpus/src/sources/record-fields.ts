/** A record of a JSON, CSV or Parquet file as a draft, by the fields that the recipe names. */
import type { Said } from '@tunan/protocol/mistakes';
import type { Draft } from '../document.ts';
import type { JsonlSource } from '../recipe/recipe-sources.ts';
import type { Damaged } from './source-item.ts';

/** The draft, or why the record is none: no text, or a field that is no text. */
export function draftOfRecord(
  source: Pick<JsonlSource, 'name' | 'fields'>,
  record: Record<string, unknown>,
  ownId: string,
): Draft | Damaged {
  const { fields, name } = source;
  const problems: Said[] = [];
  const read = (field: string | undefined): string | undefined => {
    const found = field === undefined ? undefined : plainText(fieldOf(record, field));
    if (found === NO_TEXT) problems.push({ en: `field "${field}" is no text`, zh: `字段 "${field}" 不是文本` });
    return found === NO_TEXT ? undefined : found;
  };
  const id = read(fields.id) ?? ownId;
  const texts = fieldNames(fields.text).map(read);
  const body = texts.filter((text) => text !== undefined).join('\n');
  const carried = Object.fromEntries(
    fields.meta.flatMap((field) => {
      const value = read(field);
      return value === undefined ? [] : [[field, value]];
    }),
  );
  const [title, url] = [read(fields.title) ?? '', read(fields.url)];
  if (problems.length > 0) return { damaged: 'not-a-text', id, detail: joined(problems), text: JSON.stringify(record) };
  if (texts.every((text) => text === undefined)) {
    const wanted = fieldNames(fields.text).join(', ');
    const there = Object.keys(record).join(', ');
    const detail = {
      en: `no field "${wanted}"; the record has: ${there || 'nothing'}`,
      zh: `没有字段 "${wanted}"；记录中有：${there || '无'}`,
    };
    return { damaged: 'no-text', id, detail, text: JSON.stringify(record) };
  }
  if (body.trim() === '') return { damaged: 'empty', id };
  const draft = {
    id,
    source: name,
    title: title.toWellFormed(),
    body: body.toWellFormed(),
    meta: { collection: name },
    carried,
  };
  return url === undefined ? draft : { ...draft, url };
}

function joined(problems: readonly Said[]): Said {
  return { en: problems.map(({ en }) => en).join('; '), zh: problems.map(({ zh }) => zh).join('；') };
}

export function fieldNames(field: string | readonly string[]): readonly string[] {
  return typeof field === 'string' ? [field] : field;
}

/** `a.b` is the field of that very name, or field b inside a; of a list it is that field of every entry. */
function fieldOf(record: unknown, field: string): unknown {
  if (Array.isArray(record)) {
    const inner = record.map((one) => fieldOf(one, field)).filter((value) => value !== undefined && value !== null);
    return inner.length === 0 ? undefined : inner;
  }
  if (record === null || typeof record !== 'object') return undefined;
  if (Object.hasOwn(record, field)) return (record as Record<string, unknown>)[field];
  const dot = field.indexOf('.');
  if (dot < 0 || !Object.hasOwn(record, field.slice(0, dot))) return undefined;
  return fieldOf((record as Record<string, unknown>)[field.slice(0, dot)], field.slice(dot + 1));
}

const NO_TEXT = Symbol('no text');

/** A list of texts is their lines; an object would become text that nobody wrote. */
function plainText(value: unknown): string | typeof NO_TEXT | undefined {
  if (value === undefined || value === null) return undefined;
  if (value instanceof Date) return value.toISOString();
  if (['string', 'number', 'boolean', 'bigint'].includes(typeof value)) return String(value);
  if (!Array.isArray(value)) return NO_TEXT;
  const lines = value.flat().map(plainText);
  return lines.includes(NO_TEXT) ? NO_TEXT : lines.filter((line) => line !== undefined).join('\n');
}
