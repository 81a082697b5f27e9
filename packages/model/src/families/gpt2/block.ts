/**
 * One pre-LN transformer block (GPT-2, Radford et al. 2019): x + attention(norm(x)), then x + mlp(norm(x)).
 * The residual stream is float32; the branches run in the dtype that the norms give them.
 */

import {
  type AttentionRange,
  causalAttention,
  dropout,
  layerNorm,
  residualLayerNorm,
  selfAttention,
  type Tensor,
} from '@tunan/torch';
import type { KeyValueCache } from '../../forward/key-value-cache.ts';
import type { Linear, Precision } from '../../layers/linear.ts';
import type { YuanConfig } from './config.ts';

export interface BlockParts {
  readonly normAttention: Norm;
  /** C → 3C: queries, keys, values side by side. */
  readonly queryKeyValue: Linear;
  readonly attentionOutput: Linear;
  readonly normMlp: Norm;
  readonly mlpExpand: Linear;
  readonly mlpContract: Linear;
}

export interface Norm {
  readonly weight: Tensor; // (C)
  readonly bias: Tensor; // (C)
}

export interface BlockCall {
  readonly dtype: Precision;
  readonly training: boolean;
  readonly cache?: KeyValueCache | undefined;
  /** Which positions each one sees; causal when absent. Not with a cache. */
  readonly range?: AttentionRange | undefined;
}

/** x (B, T, C) → (B, T, C). */
export function runBlock(config: YuanConfig, parts: BlockParts, layer: number, x: Tensor, call: BlockCall): Tensor {
  const { stream, joint } = beforeAttention(config, parts, x, call.dtype);
  return behindAttention(config, parts, stream, attention(config, joint, layer, call), call);
}

/** x (…, C) → x itself, to go on with, and the queries, keys and values of all heads side by side, (…, 3C). */
export function beforeAttention(
  config: YuanConfig,
  parts: BlockParts,
  x: Tensor,
  dtype: Precision,
): { stream: Tensor; joint: Tensor } {
  const { stream, normed } = splitStream(config, parts.normAttention, x, dtype);
  return { stream, joint: parts.queryKeyValue.apply(normed) };
}

/** The stream (…, C) and what the heads read, mixed (…, C) → the stream behind the block, (…, C). */
export function behindAttention(
  config: YuanConfig,
  parts: BlockParts,
  stream: Tensor,
  mixed: Tensor,
  call: Pick<BlockCall, 'dtype' | 'training'>,
): Tensor {
  const sum = addBranch(config, stream, parts.attentionOutput, mixed, call);
  const middle = splitStream(config, parts.normMlp, sum, call.dtype);
  return addBranch(config, middle.stream, parts.mlpContract, parts.mlpExpand.gelu(middle.normed), call); // through (…, 4C)
}

function splitStream(config: YuanConfig, { weight, bias }: Norm, x: Tensor, dtype: Precision) {
  return residualLayerNorm(x, weight, bias, { epsilon: config.layerNormEpsilon, dtype });
}

/** The float32 stream, normed into the dtype of the products that follow. */
export function normalize(x: Tensor, norm: Norm, config: YuanConfig, dtype: Precision): Tensor {
  return layerNorm(x, norm.weight, norm.bias, { epsilon: config.layerNormEpsilon, dtype });
}

/** joint (B, T, 3C) → what the heads read, before the output map: (B, T, C). */
function attention(config: YuanConfig, joint: Tensor, layer: number, call: BlockCall): Tensor {
  const [batch, time] = joint.shape as [number, number, number];
  const { heads, width } = config;
  if (call.cache === undefined) return selfAttention(joint, heads, call.range);
  const headed = joint.view(batch, time, 3, heads, width / heads).permute(2, 0, 3, 1, 4);
  const queries = headed.select(0, 0); // (B, H, T, D), as are the two below
  const { keys, values } = call.cache.append(layer, headed.select(0, 1), headed.select(0, 2));
  return causalAttention(queries, keys, values).transpose(1, 2).reshape(batch, time, width);
}

function addBranch(
  config: YuanConfig,
  x: Tensor,
  output: Linear,
  input: Tensor,
  call: Pick<BlockCall, 'training'>,
): Tensor {
  if (config.dropout === 0 || !call.training) return output.addTo(x, input);
  return x.add(dropout(output.apply(input).to('float32'), config.dropout, true));
}
