/** A request between its reservation and its settlement. */
import type { Subjects } from './limits.ts';
import type { Metric } from './metrics.ts';

export interface OpenRequest extends Subjects {
  readonly id: number;
  readonly model: string;
  /** ms */
  readonly reservedAt: number;
  /** Ids of those that it was charged to. */
  readonly counters: readonly number[];
  /** 1, or 0 for a further part of a request. */
  readonly requests: number;
  /** As reserved. */
  readonly promptTokens: number;
  readonly mostTokens: number;
}

/** One of this process, which knows more of it than its row says. */
export interface OwnRequest extends OpenRequest {
  readonly processId: number;
  /** What it was charged to: counters in the windows that then ran. */
  readonly charged: readonly Charged[];
  /** Of its process's record file; undefined where there is none. */
  readonly place: number | undefined;
  /** Whether what it gives back may be needed for the next request already. */
  readonly tight: boolean;
}

export interface Charged {
  readonly id: number;
  readonly metric: Metric;
  /** When the window began, ms. */
  readonly began: number;
}
