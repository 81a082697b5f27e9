/**
 * One block of the llama family (Touvron et al. 2023): x + attention(norm(x)), then x + mlp(norm(x)), with RMS norms, rotary positions,
 * heads of queries that share keys and values, and a gated MLP. Qwen3 norms each head of queries and keys before it is turned.
 * The residual stream is float32; the branches run in the dtype that the norms give them.
 */

import { dropout, llamaCachedBlock, makeAgain, residualRmsNorm, rotary, swiglu, type Tensor } from '@tunan/torch';
import type { Block, BlockMode } from '../../family.ts';
import { type Linear, type Precision, plainMaps } from '../../layers/linear.ts';
import type { LlamaConfig } from './config.ts';
import { queryScale, rotaryFrequencies } from './rope.ts';

export interface BlockParts {
  readonly normAttention: Tensor; // (C)
  readonly query: Linear; // C → H D
  readonly key: Linear; // C → Hkv D
  readonly value: Linear; // C → Hkv D
  /** Of each head, (D); undefined where heads are not normed. */
  readonly queryNorm: Tensor | undefined;
  readonly keyNorm: Tensor | undefined;
  readonly attentionOutput: Linear; // H D → C
  readonly normMlp: Tensor; // (C)
  readonly mlpGate: Linear; // C → F
  readonly mlpUp: Linear; // C → F
  readonly mlpDown: Linear; // F → C
}

export function llamaBlock(config: LlamaConfig, parts: BlockParts, dtype: Precision): Block {
  const { headDim, normEpsilon: epsilon, ropeTheta: theta } = config;
  const turned = { theta, frequencies: rotaryFrequencies(config), epsilon };
  const scale = queryScale(config);
  const split = (x: Tensor, weight: Tensor) => residualRmsNorm(x, weight, { epsilon, dtype });
  // As many heads as the product gave: a part of a model has a part of them.
  const headsOf = (rows: Tensor) => rows.view(...rows.shape.slice(0, -1), -1, headDim);
  /** What several maps make of one input. */
  const applied = (maps: readonly Linear[], input: Tensor, { selective }: BlockMode) => {
    const products = maps.map((map) => map.apply(input));
    return selective ? makeAgain(input, products) : products;
  };
  const addBranch = (stream: Tensor, output: Linear, input: Tensor, { training }: BlockMode): Tensor => {
    if (config.dropout === 0 || !training) return output.addTo(stream, input);
    return stream.add(dropout(output.apply(input).to('float32'), config.dropout, true));
  };
  return {
    ...wholeBlock(config, parts, dtype),
    heads: (x, positions, mode) => {
      const { stream, normed } = split(x, parts.normAttention);
      const maps = [parts.query, parts.key, parts.value];
      const [query, key, values] = applied(maps, normed, mode).map(headsOf) as [Tensor, Tensor, Tensor];
      const queries = rotary(query, positions, { ...turned, normWeight: parts.queryNorm });
      const keys = rotary(key, positions, { ...turned, normWeight: parts.keyNorm });
      return { stream, queries: scale === 1 ? queries : queries.mul(scale), keys, values };
    },
    join: (before, mixed, mode) => {
      const { stream, normed } = split(addBranch(before, parts.attentionOutput, mixed, mode), parts.normMlp);
      const [gate, up] = applied([parts.mlpGate, parts.mlpUp], normed, mode) as [Tensor, Tensor];
      const wide = swiglu(gate, up); // (…, F)
      const joined = addBranch(stream, parts.mlpDown, wide, mode);
      return mode.selective ? makeAgain(wide, [joined])[0]! : joined;
    },
  };
}

function wholeBlock(config: LlamaConfig, parts: BlockParts, dtype: Precision): Pick<Block, 'cached'> {
  const { query, key, value, attentionOutput, mlpGate, mlpUp, mlpDown } = parts;
  const maps = plainMaps([query, key, value, attentionOutput, mlpGate, mlpUp, mlpDown]);
  if (maps === undefined) return {};
  const block = {
    norms: [parts.normAttention, parts.normMlp, parts.queryNorm, parts.keyNorm] as const,
    maps,
    frequencies: rotaryFrequencies(config),
    queryScale: queryScale(config),
  };
  const options = { headDim: config.headDim, epsilon: config.normEpsilon, dtype };
  return { cached: (x, positions, rows) => llamaCachedBlock(x, positions, block, options, rows) };
}
