/**
 * config.json of LlamaForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM and MiniMindForCausalLM, to and from our config. What such a file
 * may say and is not computed here is an error that names the field; a field that nobody knows is one where its name says that it
 * changes the mathematics. Dropout of the attention matters in training only and is not read.
 */

import { z } from 'zod';
import { checkedFile, otherFormat } from '../../config-mistakes.ts';
import type { FileKind } from '../../family.ts';
import { type LlamaConfig, parseConfig } from './config.ts';
import { ropeFields, ropeOf, ropeToFile } from './rope-fields.ts';

type Variant = LlamaConfig['variant'];

export const ARCHITECTURES: Readonly<Record<Variant, string>> = {
  qwen3: 'Qwen3ForCausalLM',
  qwen2: 'Qwen2ForCausalLM',
  llama: 'LlamaForCausalLM',
};
const MINIMIND = 'minimind';
export const fileKinds: readonly FileKind[] = [
  ...Object.entries(ARCHITECTURES).map(([modelType, architecture]) => ({ modelType, architecture })),
  { modelType: MINIMIND, architecture: 'MiniMindForCausalLM' },
];

const off = z.literal(false).nullish();
/** Whose presence says nothing where the switch beside them is off. */
const EXPERTS = [
  'num_experts',
  'num_experts_per_tok',
  'moe_intermediate_size',
  'norm_topk_prob',
  'router_aux_loss_coef',
];

const fields = {
  vocab_size: z.int(),
  hidden_size: z.int(),
  intermediate_size: z.int(),
  num_hidden_layers: z.int(),
  num_attention_heads: z.int(),
  num_key_value_heads: z.int().nullish(),
  head_dim: z.int().nullish(),
  max_position_embeddings: z.int(),
  rms_norm_eps: z.number().default(1e-6),
  initializer_range: z.number().default(0.02),
  output_init: z.enum(['zeros', 'normal', 'scaled']).default('normal'),
  resid_pdrop: z.number().default(0),
  hidden_act: z.enum(['silu', 'swish']).default('silu'),
  attention_bias: off,
  mlp_bias: off,
  use_sliding_window: off,
  layer_types: z.array(z.literal('full_attention')).nullish(),
  quantization_config: z.null().optional(),
  bos_token_id: z.int().nullish(),
  eos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
  ...ropeFields,
};

const schemas = {
  qwen3: z.looseObject({ ...fields, tie_word_embeddings: z.boolean().default(false), head_dim: z.int().default(128) }),
  // Its biases are always there, whatever a file says.
  qwen2: z.looseObject({
    ...fields,
    tie_word_embeddings: z.boolean().default(false),
    attention_bias: z.unknown().optional(),
  }),
  llama: z.looseObject({
    ...fields,
    tie_word_embeddings: z.boolean().default(false),
    sliding_window: z.null().optional(),
  }),
  minimind: z.looseObject({
    ...fields,
    tie_word_embeddings: z.boolean().default(true),
    rope_theta: z.number().default(1e6),
    dropout: z.number().default(0),
    use_moe: off,
    inference_rope_scaling: off,
  }),
};

/** Other fields that say nothing of what is computed without gradients, though their names match below. */
const HARMLESS = new Set([
  'attn_implementation',
  'flash_attn',
  'sliding_window',
  'max_window_layers',
  'output_attentions',
]);
const MATHEMATICAL =
  /expert|moe|router|sliding|window|softcap|multiplier|scal(e|ing)|bias|rotary|rope|quant|norm|activation|hidden_act|residual|alibi|attn|attention|gat(e|ing)|ssm|mamba|conv|nextn|lora|adapter/i;

/** @throws ModelError MODEL_OTHER_FORMAT where the file asks for what is not computed here */
export function fromHuggingFace(value: unknown, file: string): LlamaConfig {
  const { model_type: type } = value as { model_type: keyof typeof schemas };
  const kind = fileKinds.find(({ modelType }) => modelType === type)!.architecture;
  const config = checkedFile(schemas[type], value, file, kind);
  refuseUnknown(config, file, kind);
  const heads = config.num_attention_heads;
  const { bos_token_id: bos = null, eos_token_id: eos = null } = config;
  const [endOfDocumentId] = [eos ?? undefined].flat();
  // MiniMind's first models have neither norms of heads nor a width of them in the file.
  const variant = type === MINIMIND ? (config.head_dim == null ? 'llama' : 'qwen3') : type;
  return parseConfig(
    {
      family: 'llama',
      variant,
      vocabularySize: config.vocab_size,
      contextLength: config.max_position_embeddings,
      layers: config.num_hidden_layers,
      width: config.hidden_size,
      heads,
      kvHeads: config.num_key_value_heads ?? heads,
      headDim: config.head_dim ?? undefined,
      mlpWidth: config.intermediate_size,
      dropout: 'dropout' in config ? config.dropout : config.resid_pdrop,
      initStd: config.initializer_range,
      outputInit: config.output_init,
      normEpsilon: config.rms_norm_eps,
      ...ropeOf(config, file, kind),
      tiedHead: config.tie_word_embeddings,
      // Files of small vocabularies often keep the id of the default: an id that does not exist is no id.
      endOfDocumentId:
        endOfDocumentId !== undefined && endOfDocumentId < config.vocab_size ? endOfDocumentId : undefined,
      ...(bos !== eos && { fileIds: { bos, eos } }),
    },
    file,
  );
}

function refuseUnknown(config: Readonly<Record<string, unknown>>, file: string, kind: string): void {
  const known = new Set([...Object.keys(fields), ...HARMLESS]);
  if (kind === 'MiniMindForCausalLM')
    for (const name of ['use_moe', 'inference_rope_scaling', ...EXPERTS]) known.add(name);
  for (const [name, value] of Object.entries(config)) {
    if (known.has(name) || /^(_|.*(dropout|_pdrop)$)/.test(name) || isNothing(value) || !MATHEMATICAL.test(name))
      continue;
    throw otherFormat(file, kind, {
      en: `${name}: ${JSON.stringify(value)} is not known here, and may change what the model computes`,
      zh: `${name}：此处不认识 ${JSON.stringify(value)}，它可能改变模型的计算`,
    });
  }
}

/** What leaves everything as it is, whatever the field. */
function isNothing(value: unknown): boolean {
  return value == null || value === false || value === 0 || value === 1 || (Array.isArray(value) && value.length === 0);
}

export function toHuggingFace(config: LlamaConfig): Record<string, unknown> {
  const { variant, layers, endOfDocumentId: end = null, fileIds: ids = { bos: end, eos: end } } = config;
  const own = {
    qwen3: { attention_bias: false, use_sliding_window: false, sliding_window: null, max_window_layers: layers },
    qwen2: { use_sliding_window: false, sliding_window: null, max_window_layers: layers },
    llama: { attention_bias: false, mlp_bias: false },
  }[variant];
  return {
    architectures: [ARCHITECTURES[variant]],
    model_type: variant,
    torch_dtype: 'float32',
    dtype: 'float32',
    vocab_size: config.vocabularySize,
    max_position_embeddings: config.contextLength,
    num_hidden_layers: layers,
    hidden_size: config.width,
    intermediate_size: config.mlpWidth,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    hidden_act: 'silu',
    rms_norm_eps: config.normEpsilon,
    initializer_range: config.initStd,
    output_init: config.outputInit,
    tie_word_embeddings: config.tiedHead,
    attention_dropout: 0,
    ...(config.dropout > 0 && { resid_pdrop: config.dropout }),
    ...own,
    ...ropeToFile(config),
    use_cache: true,
    bos_token_id: ids.bos,
    eos_token_id: ids.eos,
  };
}
