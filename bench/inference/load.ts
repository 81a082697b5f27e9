// What engines are asked, and how long they took.

export interface Load {
  /** One for each stream; all begin at the same time. */
  readonly prompts: readonly (readonly number[])[];
  /** Tokens that every stream writes, whatever they are. */
  readonly tokens: number;
  /** 0 takes the likeliest token; 1 draws from all. */
  readonly temperature: number;
  readonly seed: number;
}

export interface Took {
  /** Median over the streams, from the beginning to the first text. */
  readonly firstSeconds: number;
  /** To the end of the last stream. */
  readonly seconds: number;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
