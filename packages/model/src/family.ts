/**
 * What a family of models gives, so that nothing outside families/ has to know which one it runs: sizes, files on disk, parameters,
 * and the parts of the forward pass. Shapes: N rows, C width of the stream, H heads, Hkv heads of keys and values, D head width, V vocabulary.
 */

import type { CachedRowsOf, Tensor } from '@tunan/torch';
import type { LayerMakers, Precision } from './layers/linear.ts';
import type { OutputHead } from './layers/output-head.ts';
import type { ParameterShape } from './parameters.ts';

export interface Sizes {
  /** V: rows of the embedding, padding of the vocabulary included. */
  readonly vocabularySize: number;
  /** The most positions the model has. */
  readonly contextLength: number;
  /** L */
  readonly layers: number;
  /** C */
  readonly width: number;
  /** H */
  readonly heads: number;
  /** Hkv: fewer than H where groups of queries share keys and values. */
  readonly kvHeads: number;
  /** D; H x D need not be C. */
  readonly headDim: number;
  readonly parameters: {
    /** A matrix that stands in two places counts once. */
    readonly total: number;
    /** Those that every token is multiplied by: all but what is only looked up. */
    readonly multiplied: number;
    /** The matrices of the blocks. */
    readonly blockMatrices: number;
  };
}

/** What the attention of one block reads. Queries, keys and values may be views of one tensor. */
export interface Heads {
  /** What the block was given, to go on with: (…, C). */
  readonly stream: Tensor;
  readonly queries: Tensor; // (…, H, D)
  readonly keys: Tensor; // (…, Hkv, D)
  readonly values: Tensor; // (…, Hkv, D)
  /** The three side by side, (…, 3 H D), where a family makes them in one product: whole sequences are then mixed without copies. */
  readonly joint?: Tensor;
}

/** How a block runs. */
export interface BlockMode {
  /** Whether dropout is active. */
  readonly training: boolean;
  /** Whether norms and nonlinearities are made again in the backward pass, and not kept for it. */
  readonly selective: boolean;
}

/** Of passes that train nothing. */
export const plainMode: BlockMode = { training: false, selective: false };

/** The two halves of a block; attention, which alone looks at neighbours, runs between them (forward/attend.ts). */
export interface Block {
  /** @param positions int64, of the rows: (…), or of the last dimension before C alone */
  heads(x: Tensor, positions: Tensor, mode: BlockMode): Heads;
  /**
   * The stream behind the block: (…, C).
   * @param mixed what the heads read, (…, H D)
   */
  join(stream: Tensor, mixed: Tensor, mode: BlockMode): Tensor;
  /**
   * Both and attention over caches in one call, on the CPU and without gradients: (N, C) → (N, C), or the wanted rows. Absent where a
   * map is not plain.
   */
  cached?(x: Tensor, positions: Tensor, rows: CachedRowsOf): Tensor;
}

/** In front of the blocks. */
export interface BodyStart {
  /**
   * ids (B, T) of sequences → (B, T, C) float32.
   * @param positions (B, T), where they do not count from 0 to T - 1
   */
  embedSequences(ids: Tensor, training: boolean, positions?: Tensor): Tensor;
  /** ids and positions (N) → (N, C) float32. Without gradients. */
  embedRows(ids: Tensor, positions: Tensor): Tensor;
}

/** Behind the blocks. */
export interface BodyEnd {
  /** The stream behind the last block, (…, C) → what the head sees, in the dtype of the products. */
  normalizeFinal(x: Tensor): Tensor;
  readonly head: OutputHead;
  /** The parameter that embedding and head share; undefined where each has its own. */
  readonly tied: Tensor | undefined;
}

/** The forward pass but for attention. It borrows the parameters. */
export interface Body extends BodyStart, BodyEnd {
  readonly blocks: readonly Block[];
}

export interface BodyParts<Config> {
  readonly config: Config;
  readonly parameter: (name: string) => Tensor;
  readonly dtype: Precision;
  readonly makers: LayerMakers;
}

/** A kind of config.json. */
export interface FileKind {
  /** Its `model_type`. */
  readonly modelType: string;
  /** The class in `architectures`, of transformers or of the repository that such files come from. */
  readonly architecture: string;
}

export interface Family<Config> {
  /** In the field `family` of a config. */
  readonly name: string;
  /** The files that it reads. */
  readonly kinds: readonly FileKind[];
  /** For the model card: what kind of model it is, and the class of transformers that loads what is written. */
  describe(config: Config): { readonly description: string; readonly architecture: string };
  /**
   * Checks a config and fills in its defaults.
   * @throws ModelError MODEL_BAD_CONFIG
   */
  parseConfig(value: unknown, place: string): Config;
  sizes(config: Config): Sizes;
  /** @throws ModelError MODEL_OTHER_FORMAT where config.json asks for what the family does not compute */
  fromHuggingFace(value: unknown, file: string): Config;
  toHuggingFace(config: Config): Record<string, unknown>;
  /** The parameter for a tensor of a weight file; undefined for one that is stored and not needed. */
  parameterName(stored: string, config: Config): string | undefined;
  /** In the order of the forward pass, which is also that of the optimizer. */
  parameterShapes(config: Config): ParameterShape[];
  start(parts: BodyParts<Config>): BodyStart;
  block(parts: BodyParts<Config>, layer: number): Block;
  end(parts: BodyParts<Config>): BodyEnd;
}
