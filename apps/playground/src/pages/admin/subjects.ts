/** Whom a line of the table of limits holds for. */
import type { LimitBody } from '@tunan/protocol';

/** All that have no line of their own, or all models together. */
export const ALL = '*';

export interface Subject {
  readonly scope: LimitBody['scope'];
  readonly id: string;
  readonly name: string;
}
