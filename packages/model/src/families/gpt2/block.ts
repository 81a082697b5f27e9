/**
 * One pre-LN transformer block of GPT-2 (Radford et al. 2019): x + attention(norm(x)), then x + mlp(norm(x)).
 * The residual stream is float32; the branches run in the dtype that the norms give them.
 */

import { dropout, gpt2CachedBlock, makeAgain, residualLayerNorm, type Tensor } from '@tunan/torch';
import type { Block, BlockMode } from '../../family.ts';
import { type Linear, type Precision, plainMaps } from '../../layers/linear.ts';
import type { Gpt2Config } from './config.ts';

export interface BlockParts {
  readonly normAttention: Norm;
  /** C → 3 H D: queries, keys, values side by side. */
  readonly queryKeyValue: Linear;
  readonly attentionOutput: Linear;
  readonly normMlp: Norm;
  readonly mlpUp: Linear;
  readonly mlpDown: Linear;
}

export interface Norm {
  readonly weight: Tensor; // (C)
  readonly bias: Tensor; // (C)
}

/** Positions are in the embedding: the heads do not ask for them. */
export function gpt2Block(config: Gpt2Config, parts: BlockParts, dtype: Precision): Block {
  const headDim = config.width / config.heads;
  const split = (x: Tensor, { weight, bias }: Norm) =>
    residualLayerNorm(x, weight, bias, { epsilon: config.layerNormEpsilon, dtype });
  const addBranch = (stream: Tensor, output: Linear, input: Tensor, { training }: BlockMode): Tensor => {
    if (config.dropout === 0 || !training) return output.addTo(stream, input);
    return stream.add(dropout(output.apply(input).to('float32'), config.dropout, true));
  };
  return {
    ...wholeBlock(config, parts, dtype),
    heads: (x, _positions, { selective }) => {
      const { stream, normed } = split(x, parts.normAttention);
      const product = parts.queryKeyValue.apply(normed); // (…, 3 H D)
      const joint = selective ? makeAgain(normed, [product])[0]! : product;
      const rows = [...joint.shape];
      // As many heads as the product gave: a part of a model has a part of them.
      const count = rows.pop()! / (3 * headDim);
      const heads = joint.view(...rows, 3, count, headDim);
      const part = (index: number) => heads.select(-3, index); // (…, H, D)
      return { stream, joint, queries: part(0), keys: part(1), values: part(2) };
    },
    join: (before, mixed, mode) => {
      const { stream, normed } = split(addBranch(before, parts.attentionOutput, mixed, mode), parts.normMlp);
      const product = parts.mlpUp.gelu(normed); // (…, 4C)
      if (!mode.selective) return addBranch(stream, parts.mlpDown, product, mode);
      const [wide] = makeAgain(normed, [product]) as [Tensor];
      return makeAgain(product, [addBranch(stream, parts.mlpDown, wide, mode)])[0]!;
    },
  };
}

function wholeBlock(config: Gpt2Config, parts: BlockParts, dtype: Precision): Pick<Block, 'cached'> {
  const { normAttention, queryKeyValue, attentionOutput, normMlp, mlpUp, mlpDown } = parts;
  const maps = plainMaps([queryKeyValue, attentionOutput, mlpUp, mlpDown]);
  if (maps === undefined) return {};
  const norms = [normAttention.weight, normAttention.bias, normMlp.weight, normMlp.bias];
  const options = { headDim: config.width / config.heads, epsilon: config.layerNormEpsilon, dtype };
  return { cached: (x, _positions, rows) => gpt2CachedBlock(x, { norms, maps }, options, rows) };
}
