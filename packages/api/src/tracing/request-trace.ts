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
  addStage(span: StageSpan): void;
  end(entry: RequestEntry): void;
}

export interface RequestTracer {
  begin(request: FastifyRequest): RequestTrace;
}
