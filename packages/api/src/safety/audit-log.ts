/**
 * What was found, a JSON line each, in a file a day (`audit-2026-11-30.jsonl`, days of UTC) that only its owner may read. Files older than
 * is kept go when a day begins, and at the start. Has texts only where it is told to.
 *
 * Lines are written in the background, in their order; close() waits for them. A disk that refuses them is told to onTrouble.
 */
import { accessSync, constants, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { appendFile, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, writeProblem } from '@tunan/files';

export interface AuditOptions {
  readonly directory: string;
  readonly days: number;
  readonly onTrouble: (error: unknown) => void;
  readonly now?: () => Date;
}

const NAME = /^audit-(\d{4}-\d{2}-\d{2})\.jsonl$/;
const DAY = 24 * 3600 * 1000;

export class AuditLog {
  readonly #options: AuditOptions;
  #day = '';
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;

  /** @throws WriteError where nothing can be written into the folder; what goes wrong later is told to onTrouble */
  constructor(options: AuditOptions) {
    this.#options = options;
    const { directory } = options;
    makeFolder(path.dirname(directory));
    try {
      if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 });
      accessSync(directory, constants.W_OK | constants.X_OK);
      readdirSync(directory);
    } catch (error) {
      throw writeProblem(directory, error);
    }
  }

  write(entry: Readonly<Record<string, unknown>>): void {
    this.#waiting.push(`${JSON.stringify({ time: this.#now().toISOString(), ...entry })}\n`);
    this.#writing ??= this.#flush();
  }

  async close(): Promise<void> {
    await this.#writing;
  }

  #now(): Date {
    return (this.#options.now ?? (() => new Date()))();
  }

  async #flush(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const { directory } = this.#options;
        const day = this.#now().toISOString().slice(0, 10);
        if (day !== this.#day) await this.#begin(day);
        const lines = this.#waiting.splice(0).join('');
        await appendFile(path.join(directory, `audit-${day}.jsonl`), lines, { mode: 0o600 });
      }
    } catch (error) {
      this.#options.onTrouble(error);
    } finally {
      this.#writing = undefined;
    }
  }

  async #begin(day: string): Promise<void> {
    const { directory, days } = this.#options;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const oldest = new Date(Date.parse(day) - days * DAY).toISOString().slice(0, 10);
    for (const name of await readdir(directory)) {
      const written = NAME.exec(name)?.[1];
      if (written !== undefined && written < oldest) await rm(path.join(directory, name));
    }
    this.#day = day;
  }
}
