/** What of a request a trace tells. Apart from tracing.ts, so that a server without traces loads nothing of OpenTelemetry. */
import type { FastifyRequest } from 'fastify';
import type { RequestEntry } from '../request-entry.ts';

/** A request waits for its turn, its prompt is read until the first tokens come, the rest of its answer is made. */
export type Stage = 'queue' | 'prefill' | 'decode';

/** From performance.now() to performance.now(). */
export interface StageSpan {
  readonly stage: Stage;
  readonly begun: number;
  readonly ended: number;
  /** The code of an error that ended it. */
  readonly error: string | undefined;
}

export interface RequestTrace {
  /** Of its span, for servers that the request is passed on to. */
  readonly traceparent: string;
  addStage(span: StageSpan): void;
  end(entry: RequestEntry): void;
}

export interface RequestTracer {
  begin(request: FastifyRequest): RequestTrace;
}

export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly isSampled: boolean;
}

/** W3C Trace Context, version 00; anything else is no parent. */
export function readTraceparent(header: string | string[] | undefined): TraceParent | undefined {
  const [, traceId, spanId, flags] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(String(header ?? '')) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export const traceparentOf = ({ traceId, spanId, isSampled }: TraceParent): string =>
  `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
