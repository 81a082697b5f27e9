/** A request between its reservation and its settlement. */
import type { Subjects } from './limits.ts';

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
