/**
 * Names, shapes and starting values of the parameters. Names and layout, (out, in), are those of Hugging Face's LlamaForCausalLM, which
 * Qwen2ForCausalLM and Qwen3ForCausalLM share; a tied output matrix is the embedding itself and has no name of its own.
 */

import type { DividedRun, ParameterShape } from '../../parameters.ts';
import type { LlamaConfig } from './config.ts';

export const OUTPUT_MATRIX = 'lm_head.weight';

type Rest = Omit<ParameterShape, 'name' | 'shape' | 'start'>;

export function parameterShapes(config: LlamaConfig): ParameterShape[] {
  const { vocabularySize: V, width: C, layers, heads, kvHeads, headDim: D, mlpWidth, variant, initStd } = config;
  const normal = { deviation: initStd };
  const intoResidual = outputStart(config);
  const list: ParameterShape[] = [];
  const add = (name: string, shape: number[], start: ParameterShape['start'], rest: Rest) =>
    list.push({ name, shape, start, ...rest });
  const words = { dim: 0, runs: [{ of: 'vocabulary', units: V, width: 1 }] } as const;
  const queries: DividedRun = { of: 'queries', units: heads, width: D };
  const keys: DividedRun = { of: 'keys-values', units: kvHeads, width: D };
  const hidden: DividedRun = { of: 'mlp', units: mlpWidth, width: 1 };
  add('model.embed_tokens.weight', [V, C], normal, { place: config.tiedHead ? 'both' : 'start', division: words });
  for (let place = 0; place < layers; place++) {
    const at = (name: string) => `model.layers.${place}.${name}`;
    const matrix = { layout: 'out-in' } as const;
    /** From the stream: devices divide what it gives. */
    const widening = (name: string, run: DividedRun) => {
      const division = { dim: 0, runs: [run] } as const;
      add(at(`${name}.weight`), [run.units * run.width, C], normal, { place, matrix, division });
    };
    /** Back into the stream: devices divide what it reads. */
    const narrowing = (name: string, run: DividedRun) => {
      const division = { dim: 1, runs: [run] } as const;
      add(at(`${name}.weight`), [C, run.units * run.width], intoResidual, { place, matrix, division });
    };
    add(at('input_layernorm.weight'), [C], 'ones', { place });
    for (const [name, run] of [
      ['self_attn.q_proj', queries],
      ['self_attn.k_proj', keys],
      ['self_attn.v_proj', keys],
    ] as const) {
      widening(name, run);
      if (variant === 'qwen2')
        add(at(`${name}.bias`), [run.units * D], 'zeros', { place, division: { dim: 0, runs: [run] } });
    }
    if (variant === 'qwen3')
      for (const name of ['q_norm', 'k_norm'])
        add(at(`self_attn.${name}.weight`), [D], 'ones', { place, hasPartialGradient: true });
    narrowing('self_attn.o_proj', queries);
    add(at('post_attention_layernorm.weight'), [C], 'ones', { place });
    widening('mlp.gate_proj', hidden);
    widening('mlp.up_proj', hidden);
    narrowing('mlp.down_proj', hidden);
  }
  add('model.norm.weight', [C], 'ones', { place: 'end' });
  if (!config.tiedHead) add(OUTPUT_MATRIX, [V, C], normal, { place: 'end', division: words });
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
