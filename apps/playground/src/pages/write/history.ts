/**
 * What was written before, in the browser's own database and nowhere else. A list of short lines, and the whole of each by its id, so that
 * thousands of them cost little until one is opened.
 */
import { signal } from '@preact/signals';
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import { keepingFails } from '../../kept.ts';
import type { Answer } from './answer.ts';
import type { Draft } from './draft.ts';

export interface Entry {
  readonly id: string;
  /** Unix time, ms. */
  readonly at: number;
  readonly draft: Draft;
  /** One for each column. */
  readonly answers: readonly Answer[];
}

/** What the list shows. */
export interface EntryLine {
  readonly id: string;
  readonly at: number;
  readonly kind: Draft['kind'];
  readonly models: readonly string[];
  readonly title: string;
}

interface Schema extends DBSchema {
  lines: { key: string; value: EntryLine };
  entries: { key: string; value: Entry };
}

const TITLE_LENGTH = 80;

/** The latest first; undefined until it is read. */
export const lines = signal<readonly EntryLine[] | undefined>(undefined);

let opened: Promise<IDBPDatabase<Schema>> | undefined;

function database(): Promise<IDBPDatabase<Schema>> {
  opened ??= openDB<Schema>('tunan', 1, {
    upgrade: (made) => {
      made.createObjectStore('lines', { keyPath: 'id' });
      made.createObjectStore('entries', { keyPath: 'id' });
    },
  });
  return opened;
}

export async function readLines(): Promise<void> {
  const found = await minded(async () => await (await database()).getAll('lines'));
  lines.value = (found ?? []).sort((one, other) => other.at - one.at);
}

export async function readEntry(id: string): Promise<Entry | undefined> {
  return await minded(async () => await (await database()).get('entries', id));
}

export async function keepEntry(entry: Entry): Promise<void> {
  const line = lineOf(entry);
  const others = (lines.peek() ?? []).filter(({ id }) => id !== entry.id);
  lines.value = [line, ...others].sort((one, other) => other.at - one.at);
  await minded(async () => {
    const change = (await database()).transaction(['lines', 'entries'], 'readwrite');
    await Promise.all([change.objectStore('lines').put(line), change.objectStore('entries').put(entry), change.done]);
  });
}

/** @param ids all when absent */
export async function forgetEntries(ids?: readonly string[]): Promise<void> {
  const gone = new Set(ids ?? lines.peek()?.map(({ id }) => id));
  lines.value = (lines.peek() ?? []).filter(({ id }) => !gone.has(id));
  await minded(async () => {
    const change = (await database()).transaction(['lines', 'entries'], 'readwrite');
    const stores = [change.objectStore('lines'), change.objectStore('entries')] as const;
    await Promise.all([...[...gone].flatMap((id) => stores.map((store) => store.delete(id))), change.done]);
  });
}

function lineOf({ id, at, draft, answers }: Entry): EntryLine {
  const said = draft.kind === 'text' ? draft.prompt : draft.message || (draft.turns.at(-1)?.content ?? '');
  const title = said.replaceAll(/\s+/g, ' ').trim().slice(0, TITLE_LENGTH);
  return { id, at, kind: draft.kind, title, models: answers.map(({ asked }) => asked.body.model ?? '') };
}

/** Where the browser keeps nothing, writing goes on and the page says so. */
async function minded<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    keepingFails.value = true;
    return undefined;
  }
}
