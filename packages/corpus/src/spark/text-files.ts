/** Text between the runner and Spark: JSON lines that SQL wrote into a folder, and lines that it is to read. */
import { createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CorpusError } from '../errors.ts';
import { SpillWriter } from '../reading/spill.ts';

/** The rows of a folder that INSERT OVERWRITE DIRECTORY … USING text wrote, file after file. */
export async function* jsonRows<Row>(folder: string): AsyncGenerator<Row> {
  const files = readdirSync(folder).filter((name) => name.startsWith('part-'));
  for (const name of files.sort()) {
    let rest: Buffer[] = [];
    for await (const piece of createReadStream(join(folder, name)) as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, start)) {
        yield JSON.parse(Buffer.concat([...rest, piece.subarray(start, end)]).toString()) as Row;
        rest = [];
        start = end + 1;
      }
      if (start < piece.length) rest.push(piece.subarray(start));
    }
  }
}

/** Writes lines through a block of memory. */
export function writeLines(path: string, lines: Iterable<string>): void {
  using writer = new SpillWriter(path);
  for (const line of lines) writer.write(Buffer.from(`${line}\n`));
  writer.finish();
}

/** @throws CorpusError CORPUS_SPARK where a count that came back is not what it must be */
export function reconcile(what: string, found: number, expected: number): void {
  if (found === expected) return;
  throw new CorpusError('CORPUS_SPARK', {
    en: `Spark gave ${found} ${what} where ${expected} must be; run the build again, and report it if it stays`,
    zh: `Spark 给出 ${found} 个 ${what}，应为 ${expected}；请重新构建，若仍如此请报告`,
  });
}
