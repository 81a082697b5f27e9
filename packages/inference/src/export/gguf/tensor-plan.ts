/**
 * Which tensors a GGUF has and which parameter each is made of: llama.cpp's names (llama-arch.cpp) and layout, (out, in). GPT-2 stores
 * its matrices the other way round. Llama rotates neighbouring elements of a head where Hugging Face rotates its halves, so the rows of
 * its queries and keys change places; Qwen2 and Qwen3 rotate halves there too.
 */
import type { ModelConfig } from '@tunan/model';

/** How the rows of a tensor come from those of the parameter. */
export type Arrangement =
  | { readonly kind: 'same' }
  /** The parameter is (in, out). */
  | { readonly kind: 'transposed' }
  /** Row 2 i + s of a head is row i + s D / 2 of the parameter's. */
  | { readonly kind: 'interleaved'; readonly headDim: number };

export interface PlannedTensor {
  /** In the GGUF. */
  readonly name: string;
  readonly parameter: string;
  readonly arrangement: Arrangement;
  /** The block it stands in; undefined for those outside. */
  readonly layer?: number;
}

const same: Arrangement = { kind: 'same' };
const transposed: Arrangement = { kind: 'transposed' };

/** In the order of the forward pass. */
export function tensorPlan(config: ModelConfig): PlannedTensor[] {
  return config.family === 'llama' ? llamaPlan(config) : gpt2Plan(config);
}

function gpt2Plan({ layers }: ModelConfig): PlannedTensor[] {
  const plan: PlannedTensor[] = [
    { name: 'token_embd.weight', parameter: 'transformer.wte.weight', arrangement: same },
    { name: 'position_embd.weight', parameter: 'transformer.wpe.weight', arrangement: same },
  ];
  const parts = {
    attn_norm: ['ln_1', same],
    attn_qkv: ['attn.c_attn', transposed],
    attn_output: ['attn.c_proj', transposed],
    ffn_norm: ['ln_2', same],
    ffn_up: ['mlp.c_fc', transposed],
    ffn_down: ['mlp.c_proj', transposed],
  } as const;
  for (let layer = 0; layer < layers; layer++) {
    for (const [name, [from, arrangement]] of Object.entries(parts)) {
      const [to, parameter] = [`blk.${layer}.${name}`, `transformer.h.${layer}.${from}`];
      plan.push({ name: `${to}.weight`, parameter: `${parameter}.weight`, arrangement, layer });
      plan.push({ name: `${to}.bias`, parameter: `${parameter}.bias`, arrangement: same, layer });
    }
  }
  for (const part of ['weight', 'bias'])
    plan.push({ name: `output_norm.${part}`, parameter: `transformer.ln_f.${part}`, arrangement: same });
  return plan;
}

function llamaPlan(config: Extract<ModelConfig, { family: 'llama' }>): PlannedTensor[] {
  const { layers, variant, headDim, tiedHead } = config;
  const rotated: Arrangement = variant === 'llama' ? { kind: 'interleaved', headDim } : same;
  const plan: PlannedTensor[] = [
    { name: 'token_embd.weight', parameter: 'model.embed_tokens.weight', arrangement: same },
  ];
  for (let layer = 0; layer < layers; layer++) {
    const add = (name: string, from: string, arrangement = same) =>
      plan.push({ name: `blk.${layer}.${name}`, parameter: `model.layers.${layer}.${from}`, arrangement, layer });
    add('attn_norm.weight', 'input_layernorm.weight');
    for (const part of variant === 'qwen2' ? ['weight', 'bias'] : ['weight']) {
      add(`attn_q.${part}`, `self_attn.q_proj.${part}`, rotated);
      add(`attn_k.${part}`, `self_attn.k_proj.${part}`, rotated);
      add(`attn_v.${part}`, `self_attn.v_proj.${part}`);
    }
    if (variant === 'qwen3') {
      add('attn_q_norm.weight', 'self_attn.q_norm.weight');
      add('attn_k_norm.weight', 'self_attn.k_norm.weight');
    }
    add('attn_output.weight', 'self_attn.o_proj.weight');
    add('ffn_norm.weight', 'post_attention_layernorm.weight');
    add('ffn_gate.weight', 'mlp.gate_proj.weight');
    add('ffn_up.weight', 'mlp.up_proj.weight');
    add('ffn_down.weight', 'mlp.down_proj.weight');
  }
  plan.push({ name: 'output_norm.weight', parameter: 'model.norm.weight', arrangement: same });
  if (!tiedHead) plan.push({ name: 'output.weight', parameter: 'lm_head.weight', arrangement: same });
  return plan;
}

/** The shape in the GGUF of a parameter of this shape. */
export function arrangedShape(shape: readonly number[], { kind }: Arrangement): readonly number[] {
  return kind === 'transposed' ? shape.toReversed() : shape;
}

/** For a range of rows of an interleaved tensor: the rows of the parameter, one after the other. */
export function interleavedRows(first: number, count: number, headDim: number): number[] {
  return Array.from({ length: count }, (_, offset) => {
    const row = first + offset;
    const inHead = row % headDim;
    return row - inHead + (inHead >> 1) + (inHead % 2 === 0 ? 0 : headDim / 2);
  });
}
