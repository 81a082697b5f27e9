/** A record of a JSON or Parquet file as a draft, by the fields that the recipe names. */
import type { Draft } from '../document.ts';
import type { JsonlSource } from '../recipe-sources.ts';

/** @throws what `complain` makes of a problem with the record */
export function draftOfRecord(
  source: Pick<JsonlSource, 'name' | 'fields'>,
  record: Record<string, unknown>,
  ownId: string,
  complain: (problem: string) => Error,
): Draft {
  const { fields, name } = source;
  const body = record[fields.text];
  if (typeof body !== 'string') throw complain(`field "${fields.text}" is missing or not a string`);
  const read = (key: string | undefined) => plainText(record, key, complain);
  const meta: Record<string, string> = {};
  for (const key of fields.meta) {
    const value = read(key);
    if (value !== undefined) meta[key] = value;
  }
  const url = read(fields.url);
  return {
    id: read(fields.id) ?? ownId,
    source: name,
    title: read(fields.title) ?? '',
    body,
    meta: { ...meta, collection: name },
    ...(url === undefined ? {} : { url }),
  };
}

/** A field as text; undefined where it is absent or null. A list or an object would become text that nobody wrote. */
function plainText(
  record: Record<string, unknown>,
  key: string | undefined,
  complain: (problem: string) => Error,
): string | undefined {
  const value = key === undefined ? undefined : record[key];
  if (value === undefined || value === null) return undefined;
  if (value instanceof Date) return value.toISOString();
  if (['string', 'number', 'boolean', 'bigint'].includes(typeof value)) return String(value);
  throw complain(`field "${key}" is a ${Array.isArray(value) ? 'list' : 'object'}, not a text`);
}
