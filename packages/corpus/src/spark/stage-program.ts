/**
 * The stage program that Spark runs under SELECT TRANSFORM: JSON lines on stdin, JSON lines on stdout, one column each way.
 *
 *   read     unit of the sources → its documents, rejects and counts: the stages of the recipe, as in a local build
 *   compare  two documents that share a band key → their numbers, where their shingle sets are alike
 *   write    lines of shards in order → the shards, in the corpus directory, and what they hold
 *
 * Usage: node stage-program.ts read|compare|write JOB, where JOB is the file that the runner wrote. A mistake of the user
 * is left beside it for the runner to tell, since Spark would bury it in its own report.
 */

import { readFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { writeSynced } from '../directory/output-directory.ts';
import { packError } from '../errors.ts';
import { comparePairs } from './compare-pairs.ts';
import { failurePath, type SparkJob } from './job.ts';
import { readRows } from './read-rows.ts';
import { writeRows } from './write-rows.ts';

/** The lines of stdin. Not node:readline: it also breaks lines at U+2028, which JSON leaves as it is. */
async function* inputLines(): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest: Buffer[] = [];
  for await (const piece of process.stdin as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, start)) {
      yield decoder.decode(Buffer.concat([...rest, piece.subarray(start, end)]));
      rest = [];
      start = end + 1;
    }
    if (start < piece.length) rest.push(piece.subarray(start));
  }
  if (rest.length > 0) yield decoder.decode(Buffer.concat(rest));
}

const PROGRAMS = { read: readRows, compare: comparePairs, write: writeRows };

async function* jsonLines(rows: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const row of rows) yield `${JSON.stringify(row)}\n`;
}

/** Spark has gone away, or needs no more rows: nobody is left to tell. */
function isAbandoned(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EPIPE' && (error as NodeJS.ErrnoException).syscall === 'write';
}

async function main(): Promise<void> {
  const [step, path] = process.argv.slice(2) as [keyof typeof PROGRAMS, string];
  const job = JSON.parse(readFileSync(path, 'utf8')) as SparkJob;
  try {
    await pipeline(jsonLines(PROGRAMS[step](job, inputLines())), process.stdout);
  } catch (error) {
    process.exitCode = 1;
    if (isAbandoned(error)) return;
    writeSynced(failurePath(path), JSON.stringify(packError(error)));
    console.error(error);
  }
}

await main();
