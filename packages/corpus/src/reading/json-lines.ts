/** Files of one JSON value a line, plain, gzip or zstd, read in bounded memory with the line number in every complaint. */
import type { Said } from '@tunan/protocol/mistakes';
import { CorpusError } from '../errors.ts';
import { readContent } from './content.ts';

/** A line longer than this is no document but a file of another kind. */
const MAX_LINE_BYTES = 64 * 2 ** 20;

/** Each value of the file with its line number from 1; blank lines are skipped. @throws CorpusError CORPUS_MALFORMED_LINE. */
export async function* readJsonLines(path: string): AsyncGenerator<{ value: unknown; line: number }> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let number = 0;
  for await (const bytes of byteLines(path)) {
    number++;
    let text: string;
    try {
      text = decoder.decode(bytes);
    } catch (cause) {
      throw malformed(path, number, { en: 'not valid UTF-8', zh: '不是有效的 UTF-8' }, cause);
    }
    if (number === 1 && text.startsWith('\uFEFF')) text = text.slice(1);
    if (text.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      const whole = number === 1 && isWholeJson(text);
      const why = printable((cause as Error).message);
      const en = `not JSON${whole ? ' (it is one JSON value over many lines; make it one a line)' : ''}: ${why}`;
      const zh = `不是 JSON${whole ? '（整个文件是一个跨多行的 JSON 值，请改为每行一个）' : ''}（${why}）`;
      throw malformed(path, number, { en, zh }, cause);
    }
    yield { value, line: number };
  }
}

/** How a JSON document begins that somebody laid out. */
function isWholeJson(text: string): boolean {
  return /^\s*[[{]\s*$/.test(text);
}

/** Of a file that is no text a message should not reach the terminal as it is. */
export function printable(message: string): string {
  return message.replace(/[\p{Cc}\uFFFD]+/gu, '·');
}

export function malformed(path: string, line: number, problem: Said, cause?: unknown): CorpusError {
  const en = `${path}:${line}: ${problem.en}; fix or remove this line`;
  return new CorpusError(
    'CORPUS_MALFORMED_LINE',
    { en, zh: `${path}:${line}：${problem.zh}；请修改或删除这一行` },
    { cause },
  );
}

/** The lines of a file without their ends, plain, gzip or zstd. @throws CorpusError CORPUS_MALFORMED_LINE for a line without end. */
export async function* byteLines(
  path: string,
  content: AsyncIterable<Buffer> = readContent(path),
): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  let number = 1;
  for await (const piece of content) {
    let start = 0;
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, start)) {
      const tail = piece.subarray(start, end);
      yield rest.length === 0 ? tail : Buffer.concat([...rest, tail]);
      rest = [];
      restBytes = 0;
      start = end + 1;
      number++;
    }
    if (start < piece.length) {
      rest.push(piece.subarray(start));
      restBytes += piece.length - start;
    }
    if (restBytes > MAX_LINE_BYTES) {
      const most = `${MAX_LINE_BYTES >> 20} MiB`;
      throw malformed(path, number, { en: `line longer than ${most}`, zh: `一行超过 ${most}` });
    }
  }
  if (rest.length > 0) yield Buffer.concat(rest);
}
