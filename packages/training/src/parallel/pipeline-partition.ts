/** Which layers, and which ends of a model, each piece of a pipeline holds. Pure. */
import type { ModelPiece } from '@tunan/model';

/**
 * The pieces of a model in the order of the forward pass: with p stages of v chunks piece i is chunk ⌊i / p⌋ of stage i mod p. Where the
 * layers do not divide, those in the middle take one more: the first piece has the embedding, the last one the output matrix.
 * @param count p v, at most the number of layers
 */
export function modelPieces(layers: number, count: number): ModelPiece[] {
  const extra = layers % count;
  // From the middle outwards, the first piece before the last.
  const order = Array.from({ length: count }, (_, piece) => piece).sort((a, b) => ends(a, count) - ends(b, count));
  const longer = new Set(order.slice(0, extra));
  let first = 0;
  return Array.from({ length: count }, (_, piece) => {
    const end = first + Math.floor(layers / count) + (longer.has(piece) ? 1 : 0);
    const held = { layers: { first, end }, isFirst: piece === 0, isLast: piece === count - 1 };
    first = end;
    return held;
  });
}

/** Greater for the pieces at the ends: twice the distance from the middle, the last one behind the first. */
function ends(piece: number, count: number): number {
  return Math.abs(2 * piece - (count - 1)) + (piece === count - 1 ? 0.5 : 0);
}
