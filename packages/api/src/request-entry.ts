/** What a server tells of a request, in its log and in traces: no texts and no keys. */

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
