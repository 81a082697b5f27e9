/** Source type `jsonl`: one's own files of one JSON object a line, .jsonl or .jsonl.zst. */
import type { Draft } from '../document.ts';
import { malformed, readJsonLines } from '../json-lines.ts';
import type { JsonlSource } from '../recipe-sources.ts';

/** Ids are the file's `id` field where the recipe names one, else `path#index`. @throws CORPUS_MALFORMED_LINE. */
export async function* readJsonlFile(source: JsonlSource, file: { path: string; name: string }): AsyncGenerator<Draft> {
  const { fields } = source;
  const stem = file.name.replace(/\.jsonl(\.zst)?$/, '');
  let index = 0;
  for await (const { value, line } of readJsonLines(file.path)) {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      throw malformed(file.path, line, 'not a JSON object');
    }
    const record = value as Record<string, unknown>;
    const text = record[fields.text];
    if (typeof text !== 'string') throw malformed(file.path, line, `field "${fields.text}" is missing or not a string`);
    const read = (key: string | undefined) => plainText(record, key, file.path, line);
    const id = read(fields.id) ?? `${stem}#${index}`;
    const title = read(fields.title) ?? '';
    const meta: Record<string, string> = {};
    for (const key of fields.meta) {
      const value = read(key);
      if (value !== undefined) meta[key] = value;
    }
    yield { id, source: source.name, title, body: text, meta: { ...meta, collection: source.name } };
    index++;
  }
}

/** A field as text; undefined where it is absent or null. A list or an object would become text that nobody wrote. */
function plainText(
  record: Record<string, unknown>,
  key: string | undefined,
  path: string,
  line: number,
): string | undefined {
  const value = key === undefined ? undefined : record[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw malformed(path, line, `field "${key}" is a ${Array.isArray(value) ? 'list' : 'object'}, not a text`);
}
