/** Step `write`: shards from their lines, which come sorted by shard and place. An attempt that is made again starts over. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LineSet } from '../duplicates/site-lines.ts';
import { type ShardResult, ShardWriter } from '../write-shard.ts';
import type { PieceRow, SparkJob, WrittenRow } from './job.ts';

export async function* writeRows(job: SparkJob, lines: AsyncIterable<string>): AsyncGenerator<WrittenRow> {
  const repeated = job.repeated === undefined ? undefined : readLineSet(job.repeated);
  let shard = -1;
  let writer: ShardWriter | undefined;
  try {
    for await (const line of lines) {
      const row = JSON.parse(line) as PieceRow;
      if (row.shard !== shard) {
        if (writer !== undefined) yield written(shard, writer.finish());
        writer?.close();
        shard = row.shard;
        writer = new ShardWriter(join(job.directory, job.shards[shard]!), repeated);
      }
      writer!.add(Buffer.from(`${row.line}\n`), row.change, row.kept);
    }
    if (writer !== undefined) yield written(shard, writer.finish());
  } finally {
    writer?.close();
  }
}

function written(shard: number, { alphabet, ...result }: ShardResult): WrittenRow {
  return { shard, result: { ...result, alphabet: [...alphabet] } };
}

function readLineSet(path: string): LineSet {
  const bytes = readFileSync(path);
  return new LineSet(new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)));
}
