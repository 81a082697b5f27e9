/**
 * Answers that are fetched later by a number: being made, there, or failed. Kept in this process, for a while and up to a bound; they do not
 * outlive it, and another process does not know them.
 */
import { randomUUID } from 'node:crypto';

/** What is known of an answer. */
export type KeptAnswer =
  | { readonly state: 'pending' }
  | { readonly state: 'done'; readonly text: string }
  | { readonly state: 'failed'; readonly error: unknown };

interface Kept {
  readonly owner: string;
  readonly abort: AbortController;
  answer: KeptAnswer;
  /** ms; from when on it is forgotten. */
  until: number;
}

export interface KeptAnswersOptions {
  /** Answers that are being made at a time; 256 when absent. */
  readonly mostPending?: number;
  /** All together; the oldest that are not being made are forgotten first; 4 096 when absent. */
  readonly most?: number;
  /** How long an answer is kept; ten minutes when absent. */
  readonly milliseconds?: number;
}

const MOST_PENDING = 256;
const MOST = 4_096;
const KEPT_MILLISECONDS = 600_000;

export class KeptAnswers {
  readonly #options: Required<KeptAnswersOptions>;
  readonly #kept = new Map<string, Kept>();
  readonly #running = new Set<Promise<void>>();

  constructor({ mostPending = MOST_PENDING, most = MOST, milliseconds = KEPT_MILLISECONDS }: KeptAnswersOptions = {}) {
    this.#options = { mostPending, most, milliseconds };
  }

  /** @param make is given up when its signal says so @returns the number, 32 hexadecimal digits; undefined where too many are being made */
  start(owner: string, make: (abort: AbortController) => Promise<string>): string | undefined {
    if (this.#running.size >= this.#options.mostPending) return undefined;
    this.#forget();
    const id = randomUUID().replaceAll('-', '');
    const kept: Kept = {
      ...{ owner, abort: new AbortController(), answer: { state: 'pending' } },
      until: Number.POSITIVE_INFINITY,
    };
    this.#kept.set(id, kept);
    const run = this.#run(id, kept, make);
    this.#running.add(run);
    void run.then(() => this.#running.delete(run));
    return id;
  }

  /** Undefined where the owner has none of this number. */
  find(owner: string, id: string): KeptAnswer | undefined {
    const kept = this.#kept.get(id);
    return kept === undefined || kept.owner !== owner || kept.until <= Date.now() ? undefined : kept.answer;
  }

  /** Gives up what is being made, and waits until all of it has ended. */
  async close(): Promise<void> {
    for (const { abort } of this.#kept.values()) abort.abort();
    await Promise.all(this.#running);
  }

  /** Never rejects: whoever asks is told. */
  async #run(id: string, kept: Kept, make: (abort: AbortController) => Promise<string>): Promise<void> {
    try {
      kept.answer = { state: 'done', text: await make(kept.abort) };
    } catch (error) {
      kept.answer = { state: 'failed', error };
    }
    kept.until = Date.now() + this.#options.milliseconds;
    // Those that ended last stand last.
    this.#kept.delete(id);
    this.#kept.set(id, kept);
  }

  #forget(): void {
    const now = Date.now();
    for (const [id, { answer, until }] of this.#kept) {
      const isTooMany = this.#kept.size >= this.#options.most && answer.state !== 'pending';
      if (until <= now || isTooMany) this.#kept.delete(id);
    }
  }
}
