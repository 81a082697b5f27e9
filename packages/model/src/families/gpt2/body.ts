/** The forward pass of GPT-2: learned positions, blocks, a last norm, and the embedding again as output matrix. */

import { dropout, layerNorm } from '@tunan/torch';
import type { Block, BodyEnd, BodyParts, BodyStart } from '../../family.ts';
import { denseLinear, type LinearRole } from '../../layers/linear.ts';
import { denseHead } from '../../layers/output-head.ts';
import { denseEmbedding } from '../../layers/token-embedding.ts';
import { type BlockParts, gpt2Block, type Norm } from './block.ts';
import type { Gpt2Config } from './config.ts';

const TOKENS = 'transformer.wte.weight';

export function start({ config, makers, parameter }: BodyParts<Gpt2Config>): BodyStart {
  const embedding = (makers.makeEmbedding ?? denseEmbedding)(parameter(TOKENS), parameter('transformer.wpe.weight'));
  return {
    embedSequences: (ids, training, at) => {
      const x = embedding.sequences(ids, at); // (B, T, C)
      return config.dropout > 0 && training ? dropout(x, config.dropout, true) : x;
    },
    embedRows: embedding.rows,
  };
}

export function block(body: BodyParts<Gpt2Config>, layer: number): Block {
  return gpt2Block(body.config, blockParts(body, layer), body.dtype);
}

export function end({ config, dtype, makers, parameter }: BodyParts<Gpt2Config>): BodyEnd {
  const norm: Norm = { weight: parameter('transformer.ln_f.weight'), bias: parameter('transformer.ln_f.bias') };
  return {
    normalizeFinal: (x) => layerNorm(x, norm.weight, norm.bias, { epsilon: config.layerNormEpsilon, dtype }),
    head: (makers.makeHead ?? denseHead)(parameter(TOKENS)),
    tied: parameter(TOKENS),
  };
}

function blockParts({ parameter, makers }: BodyParts<Gpt2Config>, layer: number): BlockParts {
  const makeLinear = makers.makeLinear ?? ((_role, parts) => denseLinear(parts));
  const both = (name: string) => ({ weight: parameter(`${name}.weight`), bias: parameter(`${name}.bias`) });
  const at = (name: string) => `transformer.h.${layer}.${name}`;
  const linear = (role: LinearRole, name: string) =>
    makeLinear(role, { name: at(name), layout: 'in-out', ...both(at(name)) });
  return {
    normAttention: both(at('ln_1')),
    queryKeyValue: linear('query-key-value', 'attn.c_attn'),
    attentionOutput: linear('attention-output', 'attn.c_proj'),
    normMlp: both(at('ln_2')),
    mlpUp: linear('mlp-up', 'mlp.c_fc'),
    mlpDown: linear('mlp-down', 'mlp.c_proj'),
  };
}
