/** Files below a folder, read so that nothing outside it can be had: no links, no devices, no more than a bound. */
import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import path from 'node:path';
import type { z } from 'zod';
import { isMissing } from './find-places.ts';

/** Largest file that is read whole. */
const MOST_BYTES = 32 * 2 ** 20;

/** Where a link has been put in the way since the folder was looked through, the file counts as absent. */
export async function openInside(root: string, file: string): Promise<FileHandle | undefined> {
  try {
    const directory = await realpath(path.dirname(file));
    if (directory !== root && !directory.startsWith(root + path.sep)) return undefined;
    // A pipe would otherwise wait for its writer.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const handle = await open(path.join(directory, path.basename(file)), flags);
    if ((await handle.stat()).isFile()) return handle;
    await handle.close();
    return undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Undefined where it is absent or too large. */
export async function readInside(root: string, file: string): Promise<Buffer | undefined> {
  await using handle = await openInside(root, file);
  if (handle === undefined || (await handle.stat()).size > MOST_BYTES) return undefined;
  return await handle.readFile();
}

/** Undefined where it is absent, or none of the form: other programs write files of these names too. */
export async function readJsonInside<Schema extends z.ZodType>(
  root: string,
  file: string,
  schema: Schema,
): Promise<z.infer<Schema> | undefined> {
  const bytes = await readInside(root, file);
  if (bytes === undefined) return undefined;
  try {
    const result = schema.safeParse(JSON.parse(bytes.toString('utf8')));
    return result.success ? result.data : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
