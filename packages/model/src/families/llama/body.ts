/** The forward pass of the llama family: embedding, blocks, a last norm, and the output matrix, which may be the embedding. */

import { dropout, rmsNorm } from '@tunan/torch';
import type { Block, BodyEnd, BodyParts, BodyStart } from '../../family.ts';
import { denseLinear, type LinearRole } from '../../layers/linear.ts';
import { denseHead } from '../../layers/output-head.ts';
import { denseEmbedding } from '../../layers/token-embedding.ts';
import { type BlockParts, llamaBlock } from './block.ts';
import type { LlamaConfig } from './config.ts';
import { OUTPUT_MATRIX } from './parameters.ts';

const TOKENS = 'model.embed_tokens.weight';

export function start({ config, makers, parameter }: BodyParts<LlamaConfig>): BodyStart {
  const embedding = (makers.makeEmbedding ?? denseEmbedding)(parameter(TOKENS));
  return {
    embedSequences: (ids, training) => {
      const x = embedding.sequences(ids); // (B, T, C)
      return config.dropout > 0 && training ? dropout(x, config.dropout, true) : x;
    },
    embedRows: embedding.rows,
  };
}

export function block(body: BodyParts<LlamaConfig>, layer: number): Block {
  return llamaBlock(body.config, blockParts(body, layer), body.dtype);
}

export function end({ config, dtype, makers, parameter }: BodyParts<LlamaConfig>): BodyEnd {
  const norm = parameter('model.norm.weight');
  const matrix = parameter(config.tiedHead ? TOKENS : OUTPUT_MATRIX);
  return {
    normalizeFinal: (x) => rmsNorm(x, norm, { epsilon: config.normEpsilon, dtype }),
    head: (makers.makeHead ?? denseHead)(matrix),
    tied: config.tiedHead ? matrix : undefined,
  };
}

function blockParts({ config, parameter, makers }: BodyParts<LlamaConfig>, layer: number): BlockParts {
  const makeLinear = makers.makeLinear ?? ((_role, parts) => denseLinear(parts));
  const at = (name: string) => `model.layers.${layer}.${name}`;
  const weight = (name: string) => parameter(at(`${name}.weight`));
  const linear = (role: LinearRole, name: string, biased = false) =>
    makeLinear(role, {
      name: at(name),
      weight: weight(name),
      layout: 'out-in',
      bias: biased ? parameter(at(`${name}.bias`)) : undefined,
    });
  const biased = config.variant === 'qwen2';
  const headNorm = (name: string) => (config.variant === 'qwen3' ? weight(name) : undefined);
  return {
    normAttention: weight('input_layernorm'),
    query: linear('query', 'self_attn.q_proj', biased),
    key: linear('key', 'self_attn.k_proj', biased),
    value: linear('value', 'self_attn.v_proj', biased),
    queryNorm: headNorm('self_attn.q_norm'),
    keyNorm: headNorm('self_attn.k_norm'),
    attentionOutput: linear('attention-output', 'self_attn.o_proj'),
    normMlp: weight('post_attention_layernorm'),
    mlpGate: linear('mlp-gate', 'mlp.gate_proj'),
    mlpUp: linear('mlp-up', 'mlp.up_proj'),
    mlpDown: linear('mlp-down', 'mlp.down_proj'),
  };
}
