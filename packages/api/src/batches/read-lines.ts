/** The lines of a batch, checked before any runs: a batch of which one line is wrong does not begin. */
import { type Batch, type BatchLine, batchLineSchema, describeInvalid, MOST_BATCH_LINES } from '@tunan/protocol';

type Mistake = NonNullable<Batch['errors']>['data'][number];

const MOST_TOLD = 50;

/** @param endpoint what every line must call */
export function readLines(
  content: Buffer,
  endpoint: string,
): { readonly lines: readonly BatchLine[]; readonly mistakes: readonly Mistake[] } {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    return { lines: [], mistakes: [mistake('invalid_file', 'the file is not UTF-8: save it as UTF-8', null)] };
  }
  const written = text.split(/\r?\n/);
  const lines: BatchLine[] = [];
  const mistakes: Mistake[] = [];
  const seen = new Set<string>();
  written.forEach((line, place) => {
    if (line.trim() === '' || mistakes.length >= MOST_TOLD) return;
    const read = readLine(line, endpoint);
    if (typeof read === 'string') mistakes.push(mistake('invalid_line', read, place + 1));
    else if (seen.has(read.custom_id)) {
      mistakes.push(mistake('duplicate_custom_id', `custom_id ${read.custom_id} stands there twice`, place + 1));
    } else {
      seen.add(read.custom_id);
      lines.push(read);
    }
  });
  if (lines.length > MOST_BATCH_LINES) {
    const said = `the file has ${lines.length} requests, at most ${MOST_BATCH_LINES} are taken: make several of it`;
    mistakes.push(mistake('too_many_requests', said, null));
  }
  if (lines.length === 0 && mistakes.length === 0)
    mistakes.push(mistake('empty_file', 'the file has no requests', null));
  return { lines, mistakes };
}

/** @returns what is wrong with it, if anything is */
function readLine(line: string, endpoint: string): BatchLine | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'the line is no JSON';
  }
  const invalid = describeInvalid(batchLineSchema, value, 'en');
  if (invalid !== undefined) return invalid.message;
  const read = batchLineSchema.parse(value);
  if (read.url !== endpoint) return `url is ${read.url}, but the batch calls ${endpoint}`;
  if (read.body.stream === true) return 'body.stream: a batch has no streams; leave it out';
  return read;
}

const mistake = (code: string, message: string, line: number | null): Mistake => ({ code, message, param: null, line });
