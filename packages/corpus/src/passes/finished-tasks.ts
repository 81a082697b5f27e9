/**
 * What a build has finished, task by task, beside its spill files: a task is done when its result stands here, written
 * after its files were synced. A build that was killed at any point goes on with the tasks that have none.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { syncPath, writeWhole } from '@tunan/files';
import { writeProblem } from '../errors.ts';

interface Saved<Result> {
  result: Result;
  files: [name: string, bytes: number][];
}

/** Saves the result of a task with the sizes of the files that it wrote. */
export function saveResult<Result>(path: string, result: Result, files: string[]): void {
  try {
    for (const file of files) syncPath(file);
    const sizes = files.map((file): [string, number] => [relative(dirname(path), file), statSync(file).size]);
    const saved: Saved<Result> = { result, files: sizes };
    writeWhole(path, serialize(saved));
  } catch (error) {
    throw writeProblem(path, error);
  }
}

/** The saved result of a task whose files are all there at their size; undefined where it must be done (again). */
export function savedResult<Result>(path: string): Result | undefined {
  if (!existsSync(path)) return undefined;
  const { result, files } = deserialize(readFileSync(path)) as Saved<Result>;
  const complete = files.every(
    ([name, bytes]) => statSync(join(dirname(path), name), { throwIfNoEntry: false })?.size === bytes,
  );
  return complete ? result : undefined;
}
