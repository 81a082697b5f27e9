/**
 * Names, shapes and starting values of the parameters. Names and layout, (out, in), are those of Hugging Face's LlamaForCausalLM, which
 * Qwen2ForCausalLM and Qwen3ForCausalLM share; a tied output matrix is the embedding itself and has no name of its own.
 */

import type { MatrixLayout, ParameterShape } from '../../parameters.ts';
import type { LlamaConfig } from './config.ts';

export const OUTPUT_MATRIX = 'lm_head.weight';

export function parameterShapes(config: LlamaConfig): ParameterShape[] {
  const { vocabularySize: V, width: C, layers, heads, kvHeads, headDim: D, mlpWidth, variant, initStd } = config;
  const normal = { deviation: initStd };
  const intoResidual = outputStart(config);
  const list: ParameterShape[] = [];
  const add = (name: string, shape: number[], start: ParameterShape['start'], matrix?: MatrixLayout) =>
    list.push({ name, shape, start, matrix });
  const linear = (name: string, shape: [out: number, input: number], start: ParameterShape['start']) =>
    add(`${name}.weight`, shape, start, { layout: 'out-in' });
  add('model.embed_tokens.weight', [V, C], normal);
  for (let layer = 0; layer < layers; layer++) {
    const at = (name: string) => `model.layers.${layer}.${name}`;
    add(at('input_layernorm.weight'), [C], 'ones');
    for (const [name, outputs] of [
      ['q_proj', heads * D],
      ['k_proj', kvHeads * D],
      ['v_proj', kvHeads * D],
    ] as const) {
      linear(at(`self_attn.${name}`), [outputs, C], normal);
      if (variant === 'qwen2') add(at(`self_attn.${name}.bias`), [outputs], 'zeros');
    }
    if (variant === 'qwen3') for (const name of ['q_norm', 'k_norm']) add(at(`self_attn.${name}.weight`), [D], 'ones');
    linear(at('self_attn.o_proj'), [C, heads * D], intoResidual);
    add(at('post_attention_layernorm.weight'), [C], 'ones');
    linear(at('mlp.gate_proj'), [mlpWidth, C], normal);
    linear(at('mlp.up_proj'), [mlpWidth, C], normal);
    linear(at('mlp.down_proj'), [C, mlpWidth], intoResidual);
  }
  add('model.norm.weight', [C], 'ones');
  if (!config.tiedHead) add(OUTPUT_MATRIX, [V, C], normal);
  return list;
}

function outputStart({ outputInit, initStd, layers }: LlamaConfig): ParameterShape['start'] {
  if (outputInit === 'zeros') return 'zeros';
  return { deviation: outputInit === 'scaled' ? initStd / Math.sqrt(2 * layers) : initStd };
}

/**
 * The parameter for a tensor of a file. Files of a body without a head leave the prefix out; some carry the tied output matrix, and old
 * ones the rotary frequencies, which follow from the config.
 */
export function parameterName(stored: string, { tiedHead }: LlamaConfig): string | undefined {
  if (stored.endsWith('.rotary_emb.inv_freq')) return undefined;
  if (stored === OUTPUT_MATRIX) return tiedHead ? undefined : stored;
  return stored.startsWith('model.') ? stored : `model.${stored}`;
}
