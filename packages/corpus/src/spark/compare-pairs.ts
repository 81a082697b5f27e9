/** Step `compare`: the exact Jaccard similarity decides over candidates, as in a local build. */
import { similarEnough } from '../duplicates/jaccard.ts';
import type { PairRow, SparkJob } from './job.ts';

export async function* comparePairs(
  { similarity }: SparkJob,
  lines: AsyncIterable<string>,
): AsyncGenerator<{ a: number; b: number }> {
  for await (const line of lines) {
    const { a, b, x, y } = JSON.parse(line) as PairRow;
    if (similarEnough(setOf(x), setOf(y), similarity)) yield { a, b };
  }
}

function setOf(base64: string): Uint32Array {
  const bytes = Buffer.from(base64, 'base64');
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
