/**
 * Source type `jsonl`: files of one JSON object a line, or of one list of objects; plain, gzip or zstd. A line that is no JSON, or
 * has no text, is counted and listed among the rejects with its number, and the lines after it are read.
 */

import type { Said } from '@tunan/protocol/mistakes';
import { readContent } from '../reading/content.ts';
import { AUTO, atLine, decodedLines, decodeWhole, NO_KNOWN_CHARSET, requireEncoding } from '../reading/decoded-text.ts';
import { printable } from '../reading/json-lines.ts';
import type { JsonlSource } from '../recipe/recipe-sources.ts';
import { draftOfRecord } from './record-fields.ts';
import type { SourceItem } from './source-item.ts';

export const JSONL_FILE = /\.(jsonl|ndjson)(\.gz|\.zst)?$/i;

/** A list of records is held in memory whole. */
const MAX_LIST_BYTES = 256 * 2 ** 20;

/** Ids are the file's `id` field where the recipe names one, else `path#index` of the line, damaged ones counted. */
export async function* readJsonlFile(
  source: JsonlSource,
  file: { path: string; name: string },
): AsyncGenerator<SourceItem> {
  requireEncoding(source.name, source.encoding);
  const stem = file.name.replace(/\.(jsonl|ndjson|json)(\.zst|\.gz)?$/i, '');
  let index = 0;
  for await (const record of jsonRecords(file.path, source.encoding)) {
    const id = `${stem}#${index}`;
    index++;
    if ('damaged' in record) yield { ...record, id };
    else if (record.value === null || typeof record.value !== 'object' || Array.isArray(record.value)) {
      const detail = atLine(record.line, { en: 'not a JSON object', zh: '不是 JSON 对象' });
      yield { damaged: 'not-an-object', id, detail, text: JSON.stringify(record.value) };
    } else {
      const draft = draftOfRecord(source, record.value as Record<string, unknown>, id);
      yield 'damaged' in draft && draft.detail !== undefined
        ? { ...draft, detail: atLine(record.line, draft.detail) }
        : draft;
    }
  }
}

type JsonRecord = { line: number; value: unknown } | { damaged: string; detail: Said; text: string };

/** The records of a file, or of its list; blank lines are none. */
export async function* jsonRecords(path: string, encoding: string = AUTO): AsyncGenerator<JsonRecord> {
  if (await isOneValue(path)) return yield* listedRecords(path, encoding);
  for await (const decoded of decodedLines(path, encoding)) {
    const { line } = decoded;
    if ('damaged' in decoded) {
      const text = printable(decoded.bytes.toString('latin1'));
      yield { damaged: decoded.damaged, detail: atLine(line, NO_KNOWN_CHARSET), text };
    } else if (decoded.text.trim() !== '') yield parsed(decoded.text, line);
  }
}

/** @param place says where a value stands that is none */
function parsed(text: string, line: number, place = (why: Said) => atLine(line, why)): JsonRecord {
  try {
    return { value: JSON.parse(text) as unknown, line };
  } catch (cause) {
    const why = printable((cause as Error).message);
    return { damaged: 'not-json', detail: place({ en: why, zh: `不是 JSON（${why}）` }), text };
  }
}

/** Whether the file is one list, or one object over many lines, and not a value a line. */
async function isOneValue(path: string): Promise<boolean> {
  let first: string | undefined;
  for await (const decoded of decodedLines(path, AUTO)) {
    if ('damaged' in decoded) return false;
    const text = decoded.text.trim();
    if (text === '') continue;
    if (first !== undefined) return false;
    first = text;
    if (!/^[[{]/.test(text)) return false;
    const isWhole = !('damaged' in parsed(text, 1));
    if (!isWhole) return text.length === 1 || text.startsWith('[') || /\.json(\.gz|\.zst)?$/i.test(path);
    // A whole list is one of records if it stands alone.
    if (text.startsWith('{')) return false;
  }
  return first !== undefined;
}

/** The entries of a list, or of the only list of objects that an object has; any other object by itself. */
async function* listedRecords(path: string, encoding: string): AsyncGenerator<JsonRecord> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of readContent(path)) {
    pieces.push(piece);
    size += piece.length;
    if (size > MAX_LIST_BYTES) {
      const most = `${MAX_LIST_BYTES >> 20} MiB`;
      const detail = {
        en: `one JSON list of more than ${most}: write one object a line`,
        zh: `一个超过 ${most} 的 JSON 列表：请每行写一个对象`,
      };
      return yield { damaged: 'file-too-large', detail, text: '' };
    }
  }
  const decoded = decodeWhole(Buffer.concat(pieces), encoding);
  if ('damaged' in decoded) return yield { ...decoded, detail: { en: 'the whole file', zh: '整个文件' }, text: '' };
  const whole = parsed(decoded.text.replace(/^\uFEFF/, ''), 1, ({ en, zh }) => ({
    en: `one JSON value over many lines: ${en}`,
    zh: `一个跨多行的 JSON 值：${zh}`,
  }));
  if ('damaged' in whole) return yield whole;
  for (const [at, value] of recordsIn(whole.value).entries()) yield { value, line: at + 1 };
}

function recordsIn(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  const isRecords = (one: unknown) =>
    Array.isArray(one) && one.length > 0 && one.every((entry) => entry !== null && typeof entry === 'object');
  const lists = Object.values(value as object).filter(isRecords);
  return lists.length === 1 && !isDialogue(value as object) ? (lists[0] as unknown[]) : [value];
}

/** A record whose list is its turns is one document. */
function isDialogue(value: object): boolean {
  return ['messages', 'conversations', 'conversation', 'dialogue', 'turns'].some((name) => name in value);
}
