/** The forward pass of GPT-2: learned positions, blocks, a last norm, and the embedding again as output matrix. */

import { dropout, embedding, layerNorm, type Tensor, tokenEmbedding } from '@tunan/torch';
import type { Body, BodyParts } from '../../family.ts';
import { denseLinear, type LinearRole } from '../../layers/linear.ts';
import { denseHead } from '../../layers/output-head.ts';
import { type BlockParts, gpt2Block, type Norm } from './block.ts';
import type { Gpt2Config } from './config.ts';

export function gpt2Body(body: BodyParts<Gpt2Config>): Body {
  const { config, dtype, makers } = body;
  const parameter = (name: string) => body.parameter(`transformer.${name}`);
  const [tokens, positions] = [parameter('wte.weight'), parameter('wpe.weight')];
  const embedAt = (ids: Tensor, at: Tensor) =>
    embedding(tokens, ids).to('float32').add(embedding(positions, at).to('float32'));
  const finalNorm: Norm = { weight: parameter('ln_f.weight'), bias: parameter('ln_f.bias') };
  return {
    embedSequences: (ids, training, at) => {
      const x = at === undefined ? tokenEmbedding(ids, tokens, positions) : embedAt(ids, at); // (B, T, C)
      return config.dropout > 0 && training ? dropout(x, config.dropout, true) : x;
    },
    embedRows: embedAt,
    blocks: Array.from({ length: config.layers }, (_, layer) => gpt2Block(config, blockParts(body, layer), dtype)),
    normalizeFinal: (x) => {
      return layerNorm(x, finalNorm.weight, finalNorm.bias, { epsilon: config.layerNormEpsilon, dtype });
    },
    head: (makers.makeHead ?? denseHead)(tokens),
    tied: tokens,
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
