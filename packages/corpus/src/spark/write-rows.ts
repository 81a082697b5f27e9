/**
 * Step `write`: shards from their lines, which come sorted by shard and place. Of one shard there may be several attempts, even
 * at once (speculation, an executor that was given up, a build that was killed): each writes a file of its own, and only one
 * that has seen all lines puts it in the shard's place, where any other such one has the same bytes.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LineSet } from '../duplicates/site-lines.ts';
import { type ShardResult, ShardWriter } from '../passes/write-shard.ts';
import type { PieceRow, SparkJob, WrittenRow } from './job.ts';

export async function* writeRows(job: SparkJob, lines: AsyncIterable<string>): AsyncGenerator<WrittenRow> {
  const repeated = job.repeated === undefined ? undefined : readLineSet(job.repeated);
  let attempt: Attempt | undefined;
  try {
    for await (const line of lines) {
      const row = JSON.parse(line) as PieceRow;
      if (row.shard !== attempt?.shard) {
        if (attempt !== undefined) yield attempt.finish();
        attempt?.[Symbol.dispose]();
        attempt = new Attempt(job, row.shard, repeated);
      }
      attempt.writer.add(Buffer.from(`${row.line}\n`), row.change, row.kept);
    }
    if (attempt !== undefined) yield attempt.finish();
  } finally {
    attempt?.[Symbol.dispose]();
  }
}

class Attempt implements Disposable {
  readonly shard: number;
  readonly writer: ShardWriter;
  readonly #part: string;
  readonly #job: SparkJob;

  constructor(job: SparkJob, shard: number, repeated: LineSet | undefined) {
    this.#job = job;
    this.shard = shard;
    this.#part = join(job.parts, `${shard}-${randomUUID()}`);
    this.writer = new ShardWriter(this.#part, repeated);
  }

  /** Where lines are missing the shard is not put in its place; the runner sees it by their number. */
  finish(): WrittenRow {
    const { alphabet, ...result }: ShardResult = this.writer.finish();
    const { file, lines } = this.#job.shards[this.shard]!;
    if (result.documents === lines) renameSync(this.#part, join(this.#job.directory, file));
    return { shard: this.shard, result: { ...result, alphabet: [...alphabet] } };
  }

  [Symbol.dispose](): void {
    this.writer.close();
    rmSync(this.#part, { force: true });
  }
}

function readLineSet(path: string): LineSet {
  const bytes = readFileSync(path);
  return new LineSet(new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)));
}
