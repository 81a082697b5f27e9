/** Files of one JSON value a line, plain, gzip or zstd, read in bounded memory with the line number in every complaint. */
import { CorpusError } from './errors.ts';
import { readContent } from './sources/content.ts';

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
      throw malformed(path, number, 'not valid UTF-8', cause);
    }
    if (number === 1 && text.startsWith('\uFEFF')) text = text.slice(1);
    if (text.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      const hint =
        number === 1 && isWholeJson(text) ? ' (it is one JSON value over many lines; make it one a line)' : '';
      throw malformed(path, number, `not JSON${hint}: ${printable((cause as Error).message)}`, cause);
    }
    yield { value, line: number };
  }
}

/** How a JSON document begins that somebody laid out. */
function isWholeJson(text: string): boolean {
  return /^\s*[[{]\s*$/.test(text);
}

/** Of a file that is no text a message should not reach the terminal as it is. */
function printable(message: string): string {
  return message.replace(/[\p{Cc}\uFFFD]+/gu, '·');
}

export function malformed(path: string, line: number, problem: string, cause?: unknown): CorpusError {
  return new CorpusError('CORPUS_MALFORMED_LINE', `${path}:${line}: ${problem}; mend or remove this line`, { cause });
}

/** The lines of a file without their ends, plain, gzip or zstd. @throws CorpusError CORPUS_MALFORMED_LINE for a line without end. */
export async function* byteLines(path: string): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  let number = 1;
  for await (const piece of readContent(path)) {
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
    if (restBytes > MAX_LINE_BYTES) throw malformed(path, number, `line longer than ${MAX_LINE_BYTES >> 20} MiB`);
  }
  if (rest.length > 0) yield Buffer.concat(rest);
}
