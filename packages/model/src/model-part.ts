/**
 * Some of a model: what one process holds of a model that several hold together. It says what is held and how a share of a parameter is
 * taken; what the processes tell each other comes in through the makers of layers (ModelOptions.makers), and nothing here knows of it.
 */

import type { Tensor } from '@tunan/torch';
import type { Block, Body, BodyEnd, BodyParts, BodyStart, Family } from './family.ts';
import type { ParameterShape } from './parameters.ts';

/** Layers one behind the other, with the ends that stand beside them. */
export interface ModelPiece {
  /** Layers from `first` on, before `end`. */
  readonly layers: { readonly first: number; readonly end: number };
  /** Whether the embedding is here. */
  readonly isFirst: boolean;
  /** Whether the last norm and the output matrix are. */
  readonly isLast: boolean;
}

export interface ModelPart extends ModelPiece {
  /** The share of a parameter that is held: a copy, which leaves the whole free to go. */
  readonly take: (name: string, whole: Tensor) => Tensor;
}

export function holds({ layers, isFirst, isLast }: ModelPiece, { place }: Pick<ParameterShape, 'place'>): boolean {
  if (place === 'both') return isFirst || isLast;
  if (place === 'start') return isFirst;
  if (place === 'end') return isLast;
  return layers.first <= place && place < layers.end;
}

/** The body of a piece; of an end that is elsewhere nothing can be asked. */
export function bodyOf<Config>(family: Family<Config>, parts: BodyParts<Config>, piece: ModelPiece): Body {
  const { first, end } = piece.layers;
  const blocks = Array.from({ length: end - first }, (_, at): Block => family.block(parts, first + at));
  const closing = piece.isLast ? family.end(parts) : noEnd;
  const tied = piece.isFirst && piece.isLast ? closing.tied : undefined;
  return { ...(piece.isFirst ? family.start(parts) : noStart), blocks, ...closing, tied };
}

const absent = (what: string) => (): never => {
  throw new Error(`this part of a model has no ${what}`);
};

const noStart: BodyStart = { embedSequences: absent('embedding'), embedRows: absent('embedding') };
const matrix = absent('output matrix');
const noEnd: BodyEnd = {
  normalizeFinal: absent('last norm'),
  head: { logits: matrix, loss: matrix, tokenLosses: matrix, wordLogits: matrix },
  tied: undefined,
};
