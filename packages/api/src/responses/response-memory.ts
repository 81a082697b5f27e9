/** Keeps responses in this process, for an hour and up to a bound; of more the oldest are forgotten. They end with the process. */
import { madeAt, type ResponseStore, type StoredResponse } from './response-store.ts';

export interface ResponseMemoryOptions {
  /** One hour when absent. */
  readonly seconds?: number;
  /** Characters of all together, as JSON; 32 Mi when absent. */
  readonly characters?: number;
  /** Unix time, seconds. */
  readonly now?: () => number;
}

const HOUR = 3600;
const CHARACTERS = 32 * 2 ** 20;

export class ResponseMemory implements ResponseStore {
  readonly #kept = new Map<string, { readonly owner: string; readonly json: string }>();
  readonly #seconds: number;
  readonly #most: number;
  readonly #now: () => number;
  #characters = 0;

  constructor({ seconds = HOUR, characters = CHARACTERS, now = () => Date.now() / 1000 }: ResponseMemoryOptions = {}) {
    this.#seconds = seconds;
    this.#most = characters;
    this.#now = now;
  }

  async put(stored: StoredResponse): Promise<void> {
    const json = JSON.stringify(stored);
    this.#kept.set(stored.response.id, { owner: stored.owner, json });
    this.#characters += json.length;
    for (const id of this.#kept.keys()) {
      if (this.#characters <= this.#most && !this.#isOver(id)) break;
      this.#forget(id);
    }
  }

  async get(owner: string, id: string): Promise<StoredResponse | undefined> {
    const kept = this.#kept.get(id);
    if (kept?.owner !== owner || this.#isOver(id)) return undefined;
    return JSON.parse(kept.json) as StoredResponse;
  }

  async delete(owner: string, id: string): Promise<boolean> {
    if (this.#kept.get(id)?.owner !== owner || this.#isOver(id)) return false;
    this.#forget(id);
    return true;
  }

  #isOver(id: string): boolean {
    return (madeAt(id) ?? 0) + this.#seconds <= this.#now();
  }

  #forget(id: string): void {
    this.#characters -= this.#kept.get(id)?.json.length ?? 0;
    this.#kept.delete(id);
  }
}
