/** What a plan has to know of a model: the widths of its products. Formulas in docs/planning.md. */
import { type ModelConfig, sizesOf } from '@tunan/model';

export interface ModelShape {
  /** L */
  readonly layers: number;
  /** C */
  readonly width: number;
  /** H */
  readonly heads: number;
  /** Hkv */
  readonly kvHeads: number;
  /** D */
  readonly headDim: number;
  /** F: what the MLP widens to. */
  readonly mlpWidth: number;
  /** Whether the MLP multiplies two maps (SwiGLU, GeGLU): three matrices in place of two. */
  readonly isGated: boolean;
  /** V, padding included. */
  readonly vocabulary: number;
  /** Whether embedding and output head are one matrix. */
  readonly isTied: boolean;
  /** Rows of learned positions, which every device of the first stage has whole; 0 where positions are turned (rotary). */
  readonly positions: number;
}

export function shapeOf(config: ModelConfig): ModelShape {
  const { layers, width, heads, kvHeads, headDim, vocabularySize } = sizesOf(config);
  const isGated = config.family === 'llama';
  const mlpWidth = isGated ? config.mlpWidth : 4 * width;
  const isTied = isGated ? config.tiedHead : true;
  const positions = isGated ? 0 : config.contextLength;
  return { layers, width, heads, kvHeads, headDim, mlpWidth, isGated, vocabulary: vocabularySize, isTied, positions };
}

/** A GPT-2 of Megatron's and Yuan's kind; what its positions take is left out, as in the tables that give no context. */
export function gptShape(layers: number, width: number, heads: number, vocabulary: number): ModelShape {
  const headDim = width / heads;
  return {
    layers,
    width,
    heads,
    kvHeads: heads,
    headDim,
    mlpWidth: 4 * width,
    isGated: false,
    vocabulary,
    isTied: true,
    positions: 0,
  };
}

/** Parameters of the matrices of one block. */
export function blockParameters({ width, heads, kvHeads, headDim, mlpWidth, isGated }: ModelShape): number {
  return width * headDim * (2 * heads + 2 * kvHeads) + (isGated ? 3 : 2) * width * mlpWidth;
}

/** All parameters but biases, norms and positions, which are below a thousandth. */
export function parametersOf(shape: ModelShape): number {
  return shape.layers * blockParameters(shape) + (shape.isTied ? 1 : 2) * shape.vocabulary * shape.width;
}

/**
 * Floating-point operations of one step over `samples` windows of `time` tokens, attention counted as the full square.
 * `model` is forward and backward once (Narayanan et al. 2021's formula without recomputation: 72 B T L C² (1 + T/6C + V/12LC) for
 * a GPT), `hardware` counts the forward pass of the blocks twice, as full recomputation runs it (96 B T L C² …).
 */
export function stepFlops(shape: ModelShape, samples: number, time: number, kind: 'model' | 'hardware'): number {
  const { layers, width, heads, headDim, vocabulary } = shape;
  const tokens = samples * time;
  const block = 2 * blockParameters(shape) + 4 * time * heads * headDim;
  return tokens * ((kind === 'model' ? 3 : 4) * layers * block + 6 * vocabulary * width);
}
