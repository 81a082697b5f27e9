/**
 * What the server tells of its work: an entry for each answered request, and sums of them as Prometheus reads them.
 * Holds no prompt and no answer.
 */
import type { ModelStatus, TokenUsage } from '@tunan/inference';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { withoutApiKeys } from './accounts/api-key.ts';
import { described, single } from './exposition.ts';
import { type ModelUse, modelMetrics } from './model-metrics.ts';

/** One answered request. */
export interface RequestEntry {
  /** ISO 8601 */
  readonly time: string;
  readonly id: string;
  readonly client: string;
  readonly method: string;
  readonly path: string;
  /** 499 where the client left before the end. */
  readonly status: number;
  readonly milliseconds: number;
  /** The model that answered. */
  readonly model?: string;
  readonly promptTokens?: number | undefined;
  readonly cachedTokens?: number | undefined;
  readonly completionTokens?: number;
  /** Fields of the body that changed nothing. */
  readonly ignored?: readonly string[];
}

const CLIENT_LEFT = 499;

export class Telemetry {
  readonly #usages = new WeakMap<FastifyRequest, { readonly model: string; readonly usage: () => TokenUsage }>();
  readonly #ignored = new WeakMap<FastifyRequest, readonly string[]>();
  readonly #requests = new Map<string, number>();
  readonly #models = new Map<string, ModelUse>();
  #seconds = 0;
  #answered = 0;
  #promptTokens = 0;
  #cachedTokens = 0;
  #completionTokens = 0;

  /** Watches every request of the server; `onEntry` is told of those below /v1. */
  watch(app: FastifyInstance, onEntry: ((entry: RequestEntry) => void) | undefined): void {
    app.addHook('onRequest', async (request, reply) => {
      const start = performance.now();
      reply.raw.once('close', () => {
        if (!request.url.startsWith('/v1')) return;
        const status = reply.raw.writableEnded ? reply.raw.statusCode : CLIENT_LEFT;
        const entry = this.#record(request, status, performance.now() - start);
        onEntry?.(entry);
      });
    });
  }

  /** What a request uses is read when it ends. */
  noteUsage(request: FastifyRequest, model: string, usage: () => TokenUsage): void {
    this.#usages.set(request, { model, usage });
  }

  /** What was used for a request after its end. */
  countApart(model: string, usage: TokenUsage): void {
    this.#count(model, usage);
    this.#promptTokens += usage.promptTokens ?? 0;
    this.#cachedTokens += usage.cachedTokens ?? 0;
    this.#completionTokens += usage.completionTokens;
  }

  noteIgnored(request: FastifyRequest, fields: readonly string[]): void {
    this.#ignored.set(request, fields);
  }

  /** The text of /metrics. */
  exposition(models: readonly ModelStatus[]): string {
    const total = (value: (model: ModelStatus) => number) => models.reduce((sum, model) => sum + value(model), 0);
    const requests = [...this.#requests].map(([status, count]) => `tunan_requests_total{status="${status}"} ${count}`);
    return [
      ...described('tunan_requests_total', 'counter', 'Answered requests by status; 499: the client left.', requests),
      ...described('tunan_request_seconds', 'summary', 'Time from request to the end of its answer.', [
        `tunan_request_seconds_sum ${this.#seconds}`,
        `tunan_request_seconds_count ${this.#answered}`,
      ]),
      ...single('tunan_prompt_tokens_total', 'counter', 'Tokens of prompts.', this.#promptTokens),
      ...single(
        'tunan_cached_prompt_tokens_total',
        'counter',
        'Tokens of prompts that were in the prefix cache.',
        this.#cachedTokens,
      ),
      ...single('tunan_completion_tokens_total', 'counter', 'Tokens generated.', this.#completionTokens),
      ...single(
        'tunan_sequences_running',
        'gauge',
        'Sequences in the batch.',
        total(({ occupancy }) => occupancy.running),
      ),
      ...single(
        'tunan_sequences_waiting',
        'gauge',
        'Sequences that wait for the batch.',
        total(({ occupancy }) => occupancy.waiting),
      ),
      ...single(
        'tunan_prefix_cache_bytes',
        'gauge',
        'Memory of beginnings that are kept for later requests.',
        total(({ engine }) => engine?.prefixCache?.keptBytes ?? 0),
      ),
      ...modelMetrics(models, this.#models),
      '',
    ].join('\n');
  }

  #record(request: FastifyRequest, status: number, milliseconds: number): RequestEntry {
    const used = this.#usages.get(request);
    const usage = used?.usage();
    if (used !== undefined && usage !== undefined) this.#count(used.model, usage);
    const ignored = this.#ignored.get(request) ?? [];
    this.#requests.set(String(status), (this.#requests.get(String(status)) ?? 0) + 1);
    this.#seconds += milliseconds / 1000;
    this.#answered++;
    this.#promptTokens += usage?.promptTokens ?? 0;
    this.#cachedTokens += usage?.cachedTokens ?? 0;
    this.#completionTokens += usage?.completionTokens ?? 0;
    return {
      time: new Date().toISOString(),
      id: request.id,
      client: request.ip,
      method: request.method,
      path: withoutApiKeys(request.url.split('?')[0] ?? ''),
      status,
      milliseconds: Math.round(milliseconds),
      ...(used !== undefined && { model: used.model }),
      ...usage,
      ...(ignored.length > 0 && { ignored }),
    };
  }
  #count(model: string, { promptTokens = 0, completionTokens }: TokenUsage): void {
    const before = this.#models.get(model);
    this.#models.set(model, {
      requests: (before?.requests ?? 0) + 1,
      promptTokens: (before?.promptTokens ?? 0) + promptTokens,
      completionTokens: (before?.completionTokens ?? 0) + completionTokens,
    });
  }
}
