/**
 * What the server tells of its work: an entry for each answered request, and sums of them as Prometheus reads them.
 * Holds no prompt and no answer.
 */
import { type Generation, type GenerationChunk, type ModelStatus, type TokenUsage, withChunks } from '@tunan/inference';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isBelow } from './access.ts';
import { withoutApiKeys } from './accounts/api-key.ts';
import { described, single } from './exposition.ts';
import { Histogram } from './histogram.ts';
import { type ModelUse, modelMetrics } from './model-metrics.ts';
import type { Submitter } from './quotas/metered-engine.ts';
import type { RequestEntry } from './request-entry.ts';
import { type RequestTrace, type RequestTracer, readTraceparent, traceparentOf } from './tracing/request-trace.ts';
import { withStages } from './tracing/stages.ts';

const CLIENT_LEFT = 499;
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const TOKEN_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

interface Begun {
  readonly start: number;
  first?: number;
  readonly trace: RequestTrace | undefined;
}

export class Telemetry {
  readonly #tracer: RequestTracer | undefined;
  readonly #usages = new WeakMap<FastifyRequest, { readonly model: string; readonly usage: () => TokenUsage }>();
  readonly #ignored = new WeakMap<FastifyRequest, readonly string[]>();
  readonly #requests = new Map<string, number>();
  readonly #models = new Map<string, ModelUse>();
  readonly #refusals = new Map<string, number>();
  readonly #begun = new WeakMap<FastifyRequest, Begun>();
  readonly #whole = new Histogram(SECONDS);
  readonly #first = new Histogram(SECONDS);
  readonly #token = new Histogram(TOKEN_SECONDS);
  #promptTokens = 0;
  #cachedTokens = 0;
  #completionTokens = 0;

  constructor(tracer?: RequestTracer) {
    this.#tracer = tracer;
  }

  /** Watches every request of the server; `onEntry` is told of those below /v1. */
  watch(app: FastifyInstance, onEntry: ((entry: RequestEntry) => void) | undefined): void {
    app.addHook('onRequest', async (request, reply) => {
      const start = performance.now();
      const trace = isBelow(request, '/v1') ? this.#tracer?.begin(request) : undefined;
      this.#begun.set(request, { start, trace });
      reply.raw.once('close', () => {
        if (!isBelow(request, '/v1')) return;
        const status = reply.raw.writableEnded ? reply.raw.statusCode : CLIENT_LEFT;
        const entry = this.#record(request, status, performance.now() - start);
        trace?.end(entry);
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

  /** Notes when the first tokens of a request come, be it streamed or not. */
  timed(engine: Submitter, request: FastifyRequest): Submitter {
    const begun = this.#begun.get(request);
    if (begun === undefined) return engine;
    return {
      submit: (asked, signal) => {
        const submitted = performance.now();
        const traceparent = this.traceparentOf(request);
        const given = engine.submit(traceparent === undefined ? asked : { ...asked, traceparent }, signal);
        const generation = begun.trace === undefined ? given : withStages(given, begun.trace, submitted);
        const note = () => {
          if (begun.first !== undefined) return;
          begun.first = performance.now();
          this.#first.add((begun.first - begun.start) / 1000);
        };
        return noticingFirst(generation, note);
      },
    };
  }

  /** For servers behind: of the request's own span, or where no traces are made the caller's as it came. */
  traceparentOf(request: FastifyRequest): string | undefined {
    const own = this.#begun.get(request)?.trace?.traceparent;
    const parent = own === undefined ? readTraceparent(request.headers.traceparent) : undefined;
    return own ?? (parent && traceparentOf(parent));
  }

  /** A request, or its answer, that was refused or broken off. @param reason the code that the caller is told */
  noteRefusal(reason: string): void {
    this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + 1);
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
      ...this.#whole.lines('tunan_request_seconds', 'Time from request to the end of its answer.'),
      ...this.#first.lines('tunan_time_to_first_token_seconds', 'Time from request to the first tokens of its answer.'),
      ...this.#token.lines(
        'tunan_time_per_token_seconds',
        'Mean time for each token after the first ones, by request.',
      ),
      ...refusalLines(this.#refusals),
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
      ...processMetrics(),
      '',
    ].join('\n');
  }

  #record(request: FastifyRequest, status: number, milliseconds: number): RequestEntry {
    const used = this.#usages.get(request);
    const usage = used?.usage();
    if (used !== undefined && usage !== undefined) this.#count(used.model, usage);
    const ignored = this.#ignored.get(request) ?? [];
    this.#requests.set(String(status), (this.#requests.get(String(status)) ?? 0) + 1);
    this.#whole.add(milliseconds / 1000);
    const { start = 0, first } = this.#begun.get(request) ?? {};
    if (first !== undefined && usage !== undefined && usage.completionTokens > 1) {
      this.#token.add((start + milliseconds - first) / 1000 / (usage.completionTokens - 1));
    }
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

function noticingFirst(generation: Generation, note: () => void): Generation {
  async function* chunks(): AsyncGenerator<GenerationChunk, void, void> {
    for await (const chunk of generation) {
      note();
      yield chunk;
    }
  }
  return withChunks(generation, chunks);
}

function refusalLines(refusals: ReadonlyMap<string, number>): string[] {
  if (refusals.size === 0) return [];
  const samples = [...refusals].map(([reason, count]) => `tunan_refusals_total{reason="${reason}"} ${count}`);
  return described('tunan_refusals_total', 'counter', 'Refused or failed requests by the code that was told.', samples);
}

/** By the names that all of Prometheus' clients use. */
function processMetrics(): string[] {
  const { user, system } = process.cpuUsage();
  return [
    ...single('process_cpu_seconds_total', 'counter', 'Processor time.', (user + system) / 1e6),
    ...single('process_resident_memory_bytes', 'gauge', 'Memory of the process.', process.memoryUsage.rss()),
    ...single('process_start_time_seconds', 'gauge', 'When it began, Unix time.', performance.timeOrigin / 1000),
  ];
}
