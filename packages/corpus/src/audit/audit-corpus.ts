/**
 * `auditCorpus`: a person rates a random sample of a corpus on a local page. Ratings are kept as they are given, so an
 * audit may be left and taken up again. Listens on this machine alone, under an address that cannot be guessed.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { z } from 'zod';
import type { Document } from '../document.ts';
import { auditPage } from './audit-page.ts';
import { RATINGS, type Rating, RatingFile } from './ratings.ts';
import { sampleDocuments } from './sample-documents.ts';

export interface AuditOptions {
  /** Documents to rate; 200 where absent. */
  sample?: number;
  /** Another seed draws another sample; 1 where absent. */
  seed?: number;
  /** Where ratings are kept; `audit-SEED.jsonl` in the corpus where absent. */
  ratings?: string | undefined;
  /** Port of the page; a free one where absent. */
  port?: number;
}

export interface AuditResult {
  sample: number;
  rated: number;
  counts: Record<Rating, number>;
  ratings: string;
}

const MAX_BODY_CHARACTERS = 1_000;
const rated = z.object({ index: z.int().min(0), rating: z.enum(RATINGS) });

export class Audit {
  readonly #sample: Document[];
  readonly #ratings: RatingFile;
  readonly #server: Server;
  readonly #secret = randomBytes(12).toString('hex');
  readonly #finished: Promise<void>;
  #finish: () => void = () => {};
  #address = '';

  private constructor(sample: Document[], ratings: RatingFile) {
    this.#sample = sample;
    this.#ratings = ratings;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#finished = new Promise((done) => {
      this.#finish = done;
    });
  }

  /** Draws the sample and reads the ratings that are there. @throws CorpusError where the directory is no corpus */
  static async open(directory: string, { sample = 200, seed = 1, ratings }: AuditOptions = {}): Promise<Audit> {
    const documents = await sampleDocuments(directory, sample, seed);
    return new Audit(documents, await RatingFile.open(ratings ?? join(directory, `audit-${seed}.jsonl`)));
  }

  get result(): AuditResult {
    const ids = this.#sample.map(({ id }) => id);
    const counts = this.#ratings.counts(ids);
    const done = counts.good + counts.poor + counts.bad;
    return { sample: ids.length, rated: done, counts, ratings: this.#ratings.path };
  }

  get isComplete(): boolean {
    return this.result.rated === this.#sample.length;
  }

  /** Opens the page; its address. @throws when the port is taken */
  async listen(port = 0): Promise<string> {
    await new Promise<void>((done, fail) => {
      this.#server.once('error', fail).listen(port, '127.0.0.1', done);
    });
    this.#address = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${this.#secret}/`;
    return this.#address;
  }

  /** Resolves when every document is rated, or the signal says to stop. */
  async wait(stop: AbortSignal): Promise<void> {
    if (stop.aborted || this.isComplete) return;
    stop.addEventListener('abort', () => this.#finish(), { once: true });
    await this.#finished;
  }

  async close(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeIdleConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
    const reply = (status: number, type: string, body: string) =>
      response
        .writeHead(status, {
          'content-type': `${type}; charset=utf-8`,
          'cache-control': 'no-store',
          connection: 'close',
        })
        .end(body);
    const route = pathname.startsWith(`/${this.#secret}/`)
      ? `${request.method} ${pathname.slice(this.#secret.length + 2)}`
      : '';
    try {
      if (route === 'GET ') return void reply(200, 'text/html', auditPage());
      if (route === 'GET state')
        return void reply(200, 'application/json', JSON.stringify(this.#state(searchParams.get('index'))));
      if (route !== 'POST rate') return void reply(404, 'text/plain', 'not found');
      const given = rated.safeParse(JSON.parse((await readText(request)).slice(0, MAX_BODY_CHARACTERS)));
      const document = given.success ? this.#sample[given.data.index] : undefined;
      if (!given.success || document === undefined) return void reply(400, 'text/plain', 'no rating');
      this.#ratings.rate(document.id, given.data.rating);
      response.once('finish', () => this.isComplete && this.#finish());
      reply(200, 'application/json', JSON.stringify(this.#state(null)));
    } catch (error) {
      reply(error instanceof SyntaxError ? 400 : 500, 'text/plain', (error as Error).message);
    }
  }

  /** The document asked for, else the next that is not rated. */
  #state(asked: string | null) {
    const wanted =
      asked === null ? this.#sample.findIndex(({ id }) => this.#ratings.of(id) === undefined) : Number(asked);
    const document = this.#sample[wanted];
    const { counts, rated } = this.result;
    return {
      index: document === undefined ? -1 : wanted,
      size: this.#sample.length,
      rated,
      counts,
      rating: document === undefined ? undefined : this.#ratings.of(document.id),
      document: document === undefined ? null : { id: document.id, text: document.text, url: document.meta.url },
    };
  }
}
