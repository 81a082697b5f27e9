/** Source type `jsonl`: files of one JSON object a line; plain, gzip or zstd. */
import type { Draft } from '../document.ts';
import { malformed, readJsonLines } from '../json-lines.ts';
import type { JsonlSource } from '../recipe-sources.ts';
import { draftOfRecord } from './record-fields.ts';

/** Ids are the file's `id` field where the recipe names one, else `path#index`. @throws CORPUS_MALFORMED_LINE. */
export async function* readJsonlFile(source: JsonlSource, file: { path: string; name: string }): AsyncGenerator<Draft> {
  const stem = file.name.replace(/\.jsonl(\.zst|\.gz)?$/, '');
  let index = 0;
  for await (const { value, line } of readJsonLines(file.path)) {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      throw malformed(file.path, line, 'not a JSON object');
    }
    const record = value as Record<string, unknown>;
    yield draftOfRecord(source, record, `${stem}#${index}`, (problem) => malformed(file.path, line, problem));
    index++;
  }
}
