/**
 * Runs batches one after another, a few requests at a time, and only while nobody else waits: each is asked of the server itself, so that
 * keys' scopes, limits, safety and counts are those of any other request. Answers are written down as they come; after a restart what has
 * none yet is asked again.
 *
 * A busy server, or a limit of a minute, is waited for; any other refusal is the answer of its line.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Batch, BatchLine } from '@tunan/protocol';
import { type AnsweredLine, type BatchStore, isOpenOf, type OwnedBatch, seconds } from './batch-store.ts';
import { readLines } from './read-lines.ts';

/** What a line was answered. */
export interface BatchReply {
  readonly status: number;
  readonly requestId: string;
  readonly body: unknown;
  readonly retryAfterSeconds: number | undefined;
}

export interface BatchServer {
  /** Asks the server itself, for whom the batch counts. */
  ask(owned: OwnedBatch, line: BatchLine, signal: AbortSignal): Promise<BatchReply>;
  /** Whether others wait. */
  isBusy(): boolean;
  /** Why a batch may not go on, such as a key that was revoked meanwhile. */
  refusal(owned: OwnedBatch): Promise<string | undefined>;
  onFailure(error: unknown, batchId: string): void;
}

const AT_ONCE = 4;
const LOOK_MILLISECONDS = 50;
/** A refusal that says to come back, and only such a one, is not the line's answer. */
const LATER = new Set([
  'engine_overloaded',
  'queue_timeout',
  'rate_limit_exceeded',
  'server_closing',
  'storage_unavailable',
]);
const WINDOW_SECONDS = 24 * 3600;

export class BatchRunner {
  readonly #store: BatchStore;
  readonly #server: BatchServer;
  readonly #closing = new AbortController();
  #cancel: { readonly id: string; readonly abort: AbortController } | undefined;
  #running: Promise<void> | undefined;

  constructor(store: BatchStore, server: BatchServer) {
    this.#store = store;
    this.#server = server;
  }

  /** Goes on with what is open. */
  start(): void {
    if (this.#closing.signal.aborted) return;
    this.#running ??= this.#runAll().finally(() => {
      this.#running = undefined;
    });
  }

  /** Requests under way are given up; they are asked again after the next start. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  add(owned: OwnedBatch): Batch {
    const input = this.#store.file(owned.owner, owned.batch.input_file_id);
    const { lines, mistakes } =
      input === undefined ? { lines: [], mistakes: [] } : readLines(this.#store.content(input), owned.batch.endpoint);
    const at = seconds();
    const request_counts = { total: lines.length, completed: 0, failed: 0 };
    const batch: Batch =
      mistakes.length === 0
        ? { ...owned.batch, status: 'in_progress', in_progress_at: at, expires_at: at + WINDOW_SECONDS, request_counts }
        : { ...owned.batch, status: 'failed', failed_at: at, errors: { object: 'list', data: [...mistakes] } };
    this.#store.save({ ...owned, batch });
    this.start();
    return batch;
  }

  /** What is answered by then is kept. */
  cancel(owned: OwnedBatch): Batch {
    const batch: Batch = { ...owned.batch, status: 'cancelling', cancelling_at: seconds() };
    this.#store.save({ ...owned, batch });
    if (this.#cancel?.id === batch.id) this.#cancel.abort.abort();
    this.start();
    return batch;
  }

  async #runAll(): Promise<void> {
    for (;;) {
      const next = this.#store.batches().find(({ batch }) => isOpenOf(batch));
      if (next === undefined || this.#closing.signal.aborted) return;
      try {
        await this.#run(next.batch.id);
      } catch (error) {
        this.#server.onFailure(error, next.batch.id);
        this.#fail(next.batch.id, 'the server failed, and its log says why');
      }
    }
  }

  async #run(id: string): Promise<void> {
    const owned = this.#store.known(id)!;
    const { batch, owner } = owned;
    const input = this.#store.file(owner, batch.input_file_id);
    if (input === undefined) return this.#fail(id, 'the input file was deleted');
    const answered = new Map(this.#store.answers(id).map((answer) => [answer.custom_id, answer]));
    this.#count(id, answered);
    const { lines } = readLines(this.#store.content(input), batch.endpoint);
    const left = lines.filter(({ custom_id }) => !answered.has(custom_id));
    const abort = new AbortController();
    this.#cancel = { id, abort };
    const signal = AbortSignal.any([this.#closing.signal, abort.signal]);
    const isOver = () => signal.aborted || this.#isEnding(id);
    let refused: string | undefined;
    const work = async () => {
      for (let line = left.shift(); line !== undefined && !isOver(); line = left.shift()) {
        refused ??= await this.#server.refusal(owned);
        if (refused !== undefined) return;
        const answer = await this.#answer(owned, line, signal, isOver);
        if (answer === undefined) return;
        this.#store.append(id, answer);
        answered.set(answer.custom_id, answer);
        this.#count(id, answered);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    this.#cancel = undefined;
    if (this.#closing.signal.aborted) return;
    this.#finish(id, [...answered.values()], refused);
  }

  /** @returns undefined where the batch ends before it is there */
  async #answer(
    owned: OwnedBatch,
    line: BatchLine,
    signal: AbortSignal,
    isOver: () => boolean,
  ): Promise<AnsweredLine | undefined> {
    while (!isOver()) {
      if (this.#server.isBusy()) {
        await pause(LOOK_MILLISECONDS);
        continue;
      }
      const reply = await this.#server.ask(owned, line, signal);
      if (signal.aborted) return undefined;
      const { status, requestId, body, retryAfterSeconds = 1 } = reply;
      if (!LATER.has(codeOf(body))) {
        const id = `batch_req_${randomUUID().replaceAll('-', '')}`;
        const response = { status_code: status, request_id: requestId, body };
        return { id, custom_id: line.custom_id, response, error: null };
      }
      const again = Date.now() + 1000 * retryAfterSeconds;
      while (!isOver() && Date.now() < again) await pause(LOOK_MILLISECONDS);
    }
    return undefined;
  }

  #isEnding(id: string): boolean {
    const { batch } = this.#store.known(id)!;
    return batch.status === 'cancelling' || seconds() >= (batch.expires_at ?? Number.POSITIVE_INFINITY);
  }

  #count(id: string, answered: ReadonlyMap<string, AnsweredLine>): void {
    const { total } = this.#store.known(id)!.batch.request_counts;
    const completed = [...answered.values()].filter(isGood).length;
    this.#store.count(id, { total, completed, failed: answered.size - completed });
  }

  #finish(id: string, answers: readonly AnsweredLine[], refused: string | undefined): void {
    const owned = this.#store.known(id)!;
    const write = (some: readonly AnsweredLine[], name: string) => {
      if (some.length === 0) return null;
      const content = Buffer.from(some.map((answer) => `${JSON.stringify(answer)}\n`).join(''));
      return this.#store.addFile(owned.owner, { filename: `${id}_${name}.jsonl`, purpose: 'batch_output' }, content).id;
    };
    const output_file_id = write(answers.filter(isGood), 'output');
    const error_file_id = write(
      answers.filter((answer) => !isGood(answer)),
      'error',
    );
    const at = seconds();
    const isDone = answers.length === owned.batch.request_counts.total;
    const ending: Partial<Batch> = isDone
      ? { status: 'completed', completed_at: at }
      : owned.batch.status === 'cancelling'
        ? { status: 'cancelled', cancelled_at: at }
        : refused !== undefined
          ? { status: 'failed', failed_at: at, errors: mistakes(refused) }
          : { status: 'expired', expired_at: at };
    this.#store.save({
      ...owned,
      batch: { ...owned.batch, ...ending, finalizing_at: at, output_file_id, error_file_id },
    });
    this.#store.dropAnswers(id);
  }

  #fail(id: string, message: string): void {
    const owned = this.#store.known(id)!;
    const batch: Batch = { ...owned.batch, status: 'failed', failed_at: seconds(), errors: mistakes(message) };
    this.#store.save({ ...owned, batch });
  }
}

const isGood = ({ response }: AnsweredLine): boolean => response.status_code === 200;

const mistakes = (message: string): NonNullable<Batch['errors']> => ({
  object: 'list',
  data: [{ code: 'batch_failed', message, param: null, line: null }],
});

function codeOf(body: unknown): string {
  const { error } = (typeof body === 'object' && body !== null ? body : {}) as { readonly error?: { code?: unknown } };
  return String(error?.code ?? '');
}
