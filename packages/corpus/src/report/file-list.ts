/** files.jsonl: what reading each document gave, one line a file, for the person whose files they are. Stages may drop it later. */
import type { Said } from '@tunan/protocol/mistakes';
import type { SourceItem } from '../sources/source-item.ts';

export type ReadFile =
  | { file: string; format: string; pages?: number; characters: number }
  | { file: string; skipped: string; why?: Said };

/** @param characters code points of a text */
export function readFileOf(item: SourceItem, characters: (text: string) => number): ReadFile | undefined {
  if ('skipped' in item) return undefined;
  if ('damaged' in item) {
    const { id, damaged, detail } = item;
    return { file: id, skipped: damaged, ...(detail === undefined ? {} : { why: detail }) };
  }
  const { format = '', pages } = item.meta;
  const count = pages === undefined ? {} : { pages: Number(pages) };
  return { file: item.id, format, ...count, characters: characters(item.body) };
}

export function fileList(files: readonly ReadFile[]): string {
  return files.map((file) => `${JSON.stringify(file)}\n`).join('');
}
