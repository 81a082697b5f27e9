/**
 * Keeps responses as files, readable by their owner on this machine alone:
 *
 *   FOLDER/2026-11-30/resp_….json     days of UTC
 *
 * A day is removed when its last response is over: at the start, and every hour.
 */
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, removeIfPossible, writeProblem } from '@tunan/files';
import { madeAt, type ResponseStore, type StoredResponse } from './response-store.ts';

export interface ResponseFolderOptions {
  readonly days: number;
  /** Told of old responses that cannot be removed. */
  readonly onTrouble: (error: unknown) => void;
  /** Unix time, seconds. */
  readonly now?: () => number;
}

const DAY = 24 * 3600;
const HOUR_MILLISECONDS = 3_600_000;

export class ResponseFolder implements ResponseStore, AsyncDisposable {
  readonly #folder: string;
  readonly #seconds: number;
  readonly #options: ResponseFolderOptions;
  readonly #timer: NodeJS.Timeout;
  #removing: Promise<void>;

  /** @throws WriteError */
  constructor(folder: string, options: ResponseFolderOptions) {
    this.#folder = path.resolve(folder);
    this.#seconds = options.days * DAY;
    this.#options = options;
    makeFolder(this.#folder);
    try {
      readdirSync(this.#folder);
    } catch (error) {
      throw writeProblem(this.#folder, error);
    }
    this.#removing = this.#removeOver();
    this.#timer = setInterval(() => {
      this.#removing = this.#removing.then(() => this.#removeOver());
    }, HOUR_MILLISECONDS);
    this.#timer.unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#removing;
  }

  /** @throws WriteError */
  async put(stored: StoredResponse): Promise<void> {
    const place = this.#placeOf(stored.response.id)!;
    const aside = `${place}.${randomUUID()}.tmp`;
    try {
      await mkdir(path.dirname(place), { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
      await writeFile(aside, JSON.stringify(stored), { mode: 0o600, flag: 'wx' });
      await rename(aside, place);
    } catch (error) {
      removeIfPossible(aside);
      throw writeProblem(place, error);
    }
  }

  async get(owner: string, id: string): Promise<StoredResponse | undefined> {
    const place = this.#placeOf(id);
    if (place === undefined) return undefined;
    const json = await readFile(place, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (json === undefined) return undefined;
    const stored = JSON.parse(json) as StoredResponse;
    return stored.owner === owner ? stored : undefined;
  }

  async delete(owner: string, id: string): Promise<boolean> {
    if ((await this.get(owner, id)) === undefined) return false;
    await rm(this.#placeOf(id)!, { force: true });
    return true;
  }

  /** Undefined for what is no id, and for one whose time is over. */
  #placeOf(id: string): string | undefined {
    const seconds = madeAt(id);
    if (seconds === undefined || seconds + this.#seconds <= this.#now()) return undefined;
    return path.join(this.#folder, dayOf(seconds), `${id}.json`);
  }

  #now(): number {
    return (this.#options.now ?? (() => Date.now() / 1000))();
  }

  async #removeOver(): Promise<void> {
    try {
      const oldest = dayOf(this.#now() - this.#seconds);
      for (const day of await readdir(this.#folder)) {
        if (/^\d{4}-\d\d-\d\d$/.test(day) && day < oldest) {
          await rm(path.join(this.#folder, day), { recursive: true, force: true });
        }
      }
    } catch (error) {
      this.#options.onTrouble(error);
    }
  }
}

const dayOf = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);
