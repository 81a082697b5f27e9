/**
 * The layers of a model whose products are shared by the processes of a group (Shoeybi et al. 2019): maps from the stream give each
 * process the outputs that are its own, maps back into it are sums over the group, embedding and output matrix are divided by words. With
 * sequence parallelism (Korthikanti et al. 2022) the stream itself, its norms and its dropout are divided by positions, for the same bytes.
 *
 * Put into the single-device model by its makers; a model of parts (TensorPartition) then computes what the whole one does. Forward and
 * backward of a block wait for two collectives each, whatever the number of its maps: those that read the same rows share the way in.
 */

import { denseLinear, type LayerMakers, type Linear, type LinearRole, type TokenEmbedding } from '@tunan/model';
import {
  allGatherInGroup,
  arange,
  copyToGroup,
  embedding,
  geluTanh,
  type ProcessGroup,
  reduceFromGroup,
  reduceScatterInGroup,
  type Tensor,
} from '@tunan/torch';
import { localWords, type OwnWords, vocabularyHead } from './vocabulary-head.ts';

export interface TensorLayersOptions {
  readonly group: ProcessGroup;
  /** Words that are here. */
  readonly words: OwnWords;
  /** Whether the stream is divided by positions, which the group's size divides. */
  readonly sequenceParallel: boolean;
  /** What each process computes of a map with its part of it, biases of 'attention-output' and 'mlp-down' apart; the plain products unless told. */
  readonly makeLinear?: LayerMakers['makeLinear'];
}

/** The dimension of the positions in (B, T, C). */
const POSITIONS = 1;

const intoStream: readonly LinearRole[] = ['attention-output', 'mlp-down'];

export function tensorLayers({
  group,
  words,
  sequenceParallel,
  makeLinear = (_role, parts) => denseLinear(parts),
}: TensorLayersOptions): LayerMakers {
  /** Rows of the stream as every map sees them: all of them; their gradients are summed on the way back. */
  const enter = shared((x) => (sequenceParallel ? allGatherInGroup(x, group, POSITIONS) : copyToGroup(x, group)));
  /** The sum of what the processes give, each one's positions of it where the stream is divided. */
  const leave = (x: Tensor) =>
    sequenceParallel ? reduceScatterInGroup(x, group, POSITIONS) : reduceFromGroup(x, group);
  return {
    makeLinear: (role, { bias, ...parts }) =>
      intoStream.includes(role)
        ? rowParallel(makeLinear(role, parts), bias, leave)
        : columnParallel(makeLinear(role, { ...parts, bias }), enter),
    makeHead: (weight) => vocabularyHead(weight, group, words),
    makeEmbedding: (tokens, positions) => wordParallel(tokens, positions, { group, words, sequenceParallel }, leave),
    gatherHidden: enter,
  };
}

/** Queries, keys and values read the same rows, as gate and widening of the MLP do: one collective serves all. */
function shared(enter: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  const entered = new WeakMap<Tensor, Tensor>();
  return (x) => {
    const before = entered.get(x);
    if (before !== undefined && !before.disposed) return before;
    const made = enter(x);
    entered.set(x, made);
    return made;
  };
}

function columnParallel(own: Linear, enter: (x: Tensor) => Tensor): Linear {
  return {
    apply: (input) => own.apply(enter(input)),
    gelu: (input) => own.gelu(enter(input)),
    addTo: (residual, input) => own.addTo(residual, enter(input)),
  };
}

/** The bias is added once, behind the sum. */
function rowParallel(own: Linear, bias: Tensor | undefined, leave: (x: Tensor) => Tensor): Linear {
  const summed = (input: Tensor) => leave(own.apply(input));
  const apply = (input: Tensor) => {
    const y = summed(input);
    return bias === undefined ? y : y.add(bias.to(y.dtype));
  };
  const addTo = (residual: Tensor, input: Tensor) => {
    const added = residual.add(summed(input).to(residual.dtype));
    return bias === undefined ? added : added.add(bias);
  };
  return { apply, gelu: (input) => geluTanh(apply(input)), addTo };
}

function wordParallel(
  tokens: Tensor,
  learned: Tensor | undefined,
  { group, words, sequenceParallel }: TensorLayersOptions,
  leave: (x: Tensor) => Tensor,
): TokenEmbedding {
  /** Zeros for words that are elsewhere. */
  const ownRows = (ids: Tensor) => {
    const { index, isHere } = localWords(ids, words);
    return embedding(tokens, index).to('float32').mul(isHere.unsqueeze(-1));
  };
  /** Of the positions that are here. */
  const learnedRows = (at: Tensor) => {
    if (!sequenceParallel) return embedding(learned!, at);
    const length = at.shape.at(-1)! / group.size;
    return embedding(learned!, at.narrow(-1, group.rank * length, length));
  };
  return {
    sequences: (ids, positions) => {
      const x = leave(ownRows(ids)); // (B, T or its part, C)
      if (learned === undefined) return x;
      const at = positions ?? arange(0, ids.shape[1]!, 1, { dtype: 'int64', device: ids.device });
      return x.add(learnedRows(at).to('float32'));
    },
    rows: (ids, positions) => {
      const x = reduceFromGroup(ownRows(ids), group);
      return learned === undefined ? x : x.add(embedding(learned, positions).to('float32'));
    },
  };
}
