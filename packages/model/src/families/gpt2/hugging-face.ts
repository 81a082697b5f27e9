/**
 * config.json of Hugging Face's GPT2LMHeadModel, to and from our config. What GPT-2 configs may say and we do not compute
 * (another activation, scaling by layer, untied output) is an error here. Dropout of the embedding and
 * of the attention matters in training only and is not read.
 */

import { z } from 'zod';
import { checkedFile, otherFormat } from '../../config-mistakes.ts';
import { type Gpt2Config, parseConfig } from './config.ts';

const configFileSchema = z.looseObject({
  vocab_size: z.int(),
  n_positions: z.int(),
  n_embd: z.int(),
  n_layer: z.int(),
  n_head: z.int(),
  n_inner: z.int().nullish(),
  activation_function: z.enum(['gelu_new', 'gelu_pytorch_tanh']).default('gelu_new'),
  resid_pdrop: z.number().default(0.1),
  layer_norm_epsilon: z.number().default(1e-5),
  initializer_range: z.number().default(0.02),
  scaled_residual_init: z.boolean().default(true),
  scale_attn_weights: z.literal(true).default(true),
  scale_attn_by_inverse_layer_idx: z.literal(false).default(false),
  add_cross_attention: z.literal(false).default(false),
  tie_word_embeddings: z.literal(true).default(true),
  eos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
});

/** @throws ModelError MODEL_OTHER_FORMAT where the file asks for what is not computed here */
export function fromHuggingFace(value: unknown, file: string): Gpt2Config {
  const config = checkedFile(configFileSchema, value, file, 'GPT-2');
  if (config.n_inner != null && config.n_inner !== 4 * config.n_embd) {
    const [inner, wanted] = [config.n_inner, 4 * config.n_embd];
    throw otherFormat(file, 'GPT-2', {
      en: `n_inner ${inner}; only 4 x n_embd = ${wanted} can be run`,
      zh: `n_inner 为 ${inner}；只能是 4 x n_embd = ${wanted}`,
    });
  }
  const [endOfDocumentId] = [config.eos_token_id ?? undefined].flat();
  return parseConfig(
    {
      vocabularySize: config.vocab_size,
      contextLength: config.n_positions,
      layers: config.n_layer,
      width: config.n_embd,
      heads: config.n_head,
      dropout: config.resid_pdrop,
      initStd: config.initializer_range,
      scaledResidualInit: config.scaled_residual_init,
      layerNormEpsilon: config.layer_norm_epsilon,
      // GPT-2 configs of small vocabularies often keep 50256 from the default: an id that does not exist is no id.
      endOfDocumentId:
        endOfDocumentId !== undefined && endOfDocumentId < config.vocab_size ? endOfDocumentId : undefined,
    },
    file,
  );
}

/** Attention dropout is 0: the fused attention kernels have none. */
export function toHuggingFace(config: Gpt2Config): Record<string, unknown> {
  const end = config.endOfDocumentId ?? null;
  return {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    torch_dtype: 'float32',
    vocab_size: config.vocabularySize,
    n_positions: config.contextLength,
    n_ctx: config.contextLength,
    n_embd: config.width,
    n_layer: config.layers,
    n_head: config.heads,
    n_inner: null,
    activation_function: 'gelu_new',
    resid_pdrop: config.dropout,
    embd_pdrop: config.dropout,
    attn_pdrop: 0,
    layer_norm_epsilon: config.layerNormEpsilon,
    initializer_range: config.initStd,
    scaled_residual_init: config.scaledResidualInit,
    scale_attn_weights: true,
    tie_word_embeddings: true,
    use_cache: true,
    bos_token_id: end,
    eos_token_id: end,
  };
}
