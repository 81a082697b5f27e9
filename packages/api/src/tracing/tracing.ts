/**
 * Traces of requests for OpenTelemetry, sent to a collector by OTLP over HTTP: a span for each request below /v1, and in it one for each
 * stage of its answer. No prompts, answers, keys or addresses of callers stand in them.
 *
 * Spans wait in a bounded queue and are sent in the background; a collector that is away costs spans, not requests. A caller's `traceparent`
 * is gone on from, and that of a request's span goes to the server that runs the model. Which traces are sent: sampler.ts. Other variables of
 * OpenTelemetry's exporter (OTEL_EXPORTER_OTLP_HEADERS, _TIMEOUT, …) hold as it documents them.
 */
import {
  type Context,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { FastifyRequest } from 'fastify';
import { ApiError } from '../errors/errors.ts';
import type { RequestEntry } from '../request-entry.ts';
import {
  type RequestTrace,
  type RequestTracer,
  readTraceparent,
  type StageSpan,
  traceparentOf,
} from './request-trace.ts';
import { readSampler } from './sampler.ts';

export class Tracing implements RequestTracer, AsyncDisposable {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;

  /**
   * @param endpoint of the collector, such as http://127.0.0.1:4318; spans go to `/v1/traces` below it
   * @param onTrouble is told of spans that could not be sent
   * @param environment OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG; the process's when absent
   * @throws ApiError
   */
  constructor(endpoint: string, onTrouble: (message: string) => void, environment = process.env) {
    const sampler = readSampler(environment);
    const exporter = new OTLPTraceExporter({ url: tracesAddress(endpoint) });
    // OpenTelemetry has one place in a process for what goes wrong.
    const quiet = () => undefined;
    const logger = { error: onTrouble, warn: quiet, info: quiet, debug: quiet, verbose: quiet };
    diag.setLogger(logger, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
    const named = resourceFromAttributes({ 'service.name': 'tunan' });
    this.#provider = new TracerProvider({
      resource: named.merge(detectResources({ detectors: [envDetector] })),
      sampler,
      spanProcessors: [new BatchSpanProcessor({ exporter })],
    });
    this.#tracer = this.#provider.getTracer('@tunan/api');
  }

  /** Sends what is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#provider.shutdown();
  }

  begin(request: FastifyRequest): RequestTrace {
    const { method, routeOptions, headers } = request;
    const route = routeOptions.url ?? 'unknown';
    const span = this.#tracer.startSpan(
      `${method} ${route}`,
      {
        kind: SpanKind.SERVER,
        attributes: { 'http.request.method': method, 'http.route': route, 'tunan.request.id': request.id },
      },
      parentOf(headers.traceparent),
    );
    const within = trace.setSpan(ROOT_CONTEXT, span);
    const { traceId, spanId, traceFlags } = span.spanContext();
    return {
      traceparent: traceparentOf({ traceId, spanId, isSampled: (traceFlags & TraceFlags.SAMPLED) !== 0 }),
      addStage: (stage) => this.#addStage(stage, within),
      end: (entry) => endSpan(span, entry),
    };
  }

  #addStage({ stage, begun, ended, error }: StageSpan, within: Context): void {
    const span = this.#tracer.startSpan(stage, { startTime: performance.timeOrigin + begun }, within);
    if (error !== undefined) {
      span.setAttribute('error.type', error);
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end(performance.timeOrigin + ended);
  }
}

function endSpan(span: Span, { status, model, promptTokens, cachedTokens, completionTokens }: RequestEntry): void {
  const attributes = {
    'http.response.status_code': status,
    'gen_ai.request.model': model,
    'gen_ai.usage.input_tokens': promptTokens,
    'gen_ai.usage.cache_read.input_tokens': cachedTokens,
    'gen_ai.usage.output_tokens': completionTokens,
  };
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) span.setAttribute(name, value);
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

function parentOf(header: string | string[] | undefined): Context {
  const parent = readTraceparent(header);
  if (parent === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, isSampled } = parent;
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

/** @throws ApiError for what is no address */
function tracesAddress(endpoint: string): string {
  const address = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (address === undefined || !/^https?:$/.test(address.protocol)) {
    throw new ApiError('API_BAD_ADDRESS', {
      en: `'${endpoint}' is no address of a collector of OpenTelemetry: write --otlp http://127.0.0.1:4318`,
      zh: `“${endpoint}”不是 OpenTelemetry 收集器的地址：请写作 --otlp http://127.0.0.1:4318`,
    });
  }
  if (!/\/v1\/traces\/?$/.test(address.pathname)) address.pathname = `${address.pathname.replace(/\/$/, '')}/v1/traces`;
  return address.href;
}
