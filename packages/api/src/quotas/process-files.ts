/**
 * Files of one process beside the database, on SQLite: `FILE-open-N` tells how far its open requests have come (record-file.ts), `FILE-held-N`
 * what it has reserved in a transaction that is not committed yet (held-file.ts). Who settles a dead process reads and removes them.
 */
import { readdirSync, readFileSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { systemProblem } from '@tunan/files';
import type { Database } from '../storage/database.ts';
import { StorageError } from '../storage/errors.ts';

const KINDS = ['open', 'held'] as const;
type Kind = (typeof KINDS)[number];

export const processFile = ({ name }: Database, kind: Kind, process: number): string => `${name}-${kind}-${process}`;

/** Empty where there is none. @throws StorageError */
export function readProcessFile(database: Database, kind: Kind, process: number): Buffer {
  if (database.kind !== 'sqlite') return Buffer.alloc(0);
  const file = processFile(database, kind, process);
  return guarded(file, () => readIfThere(file));
}

/** When nothing of the process is open any more. */
export function removeProcessFiles(database: Database, process: number): void {
  if (database.kind !== 'sqlite') return;
  for (const kind of KINDS) removeIfThere(processFile(database, kind, process));
}

/**
 * Files whose processes have been settled by one that died before it removed them.
 * @param known numbers of all processes, asked for when the files have been listed: a file is made after its number
 */
export async function removeStrayFiles(database: Database, known: () => Promise<ReadonlySet<number>>): Promise<void> {
  if (database.kind !== 'sqlite') return;
  const beginning = `${path.basename(database.name)}-`;
  const numbers = readdirSync(path.dirname(database.name)).flatMap((name) => {
    const number = name.startsWith(beginning)
      ? /^(?:open|held)-(\d+)$/.exec(name.slice(beginning.length))?.[1]
      : undefined;
    return number === undefined ? [] : [Number(number)];
  });
  if (numbers.length === 0) return;
  const processes = await known();
  for (const number of new Set(numbers)) if (!processes.has(number)) removeProcessFiles(database, number);
}

/** @throws StorageError */
export function guarded<T>(file: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    const why = systemProblem(error);
    if (why === undefined) throw error;
    const message = { en: `${file} cannot be used: ${why.en}`, zh: `无法使用 ${file}：${why.zh}` };
    throw new StorageError('STORAGE_DOWN', message, { cause: error });
  }
}

export const closedError = (file: string): StorageError =>
  new StorageError('STORAGE_DOWN', { en: `${file} is closed already`, zh: `${file} 已关闭` });

function readIfThere(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

function removeIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
