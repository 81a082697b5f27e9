/**
 * What the graph of a family of models gives, so that the mask, the cache and attention need not know which one it is.
 * Shapes: B batch, T new positions, C width of the stream, H heads, Hkv heads of keys and values, D head width, V vocabulary.
 */
import type { Graph } from './graph.ts';
import type { WeightForm } from './weight-form.ts';
import type { Matrix } from './weight-source.ts';

/** Functions that add nodes, each from the names of values to the name of the result. */
export interface FamilyParts {
  /** ids (B, T) → the stream, (B, T, C). */
  embed(ids: string): string;
  /** The stream → queries (B, T, H, D), keys and values (B, T, Hkv, D). */
  heads(layer: number, stream: string): { readonly queries: string; readonly keys: string; readonly values: string };
  /** The stream behind a block. @param mixed (B, T, H D) */
  join(layer: number, stream: string, mixed: string): string;
  normalizeFinal(stream: string): string;
  /** What scores are multiplied by. */
  readonly scale: number;
  /** (V, C) */
  readonly head: Matrix;
}

export interface PartsInput {
  readonly graph: Graph;
  readonly form: WeightForm;
  /** (B, T) */
  readonly positions: string;
  readonly weight: (name: string) => Matrix;
}
