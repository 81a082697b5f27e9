/**
 * Names, shapes and starting values of the parameters of a GPT-2. Names and layout are those of Hugging Face's GPT2LMHeadModel; the
 * output matrix is the embedding itself and has no name of its own.
 */

import type { MatrixLayout, ParameterShape } from '../../parameters.ts';
import type { Gpt2Config } from './config.ts';

export function parameterShapes(config: Gpt2Config): ParameterShape[] {
  const { vocabularySize: V, contextLength, width: C, layers, initStd } = config;
  const normal = { deviation: initStd };
  const intoResidual = outputStart(config);
  const list: ParameterShape[] = [];
  const add = (name: string, shape: number[], start: ParameterShape['start'], matrix?: MatrixLayout) =>
    list.push({ name: `transformer.${name}`, shape, start, matrix });
  add('wte.weight', [V, C], normal);
  add('wpe.weight', [contextLength, C], normal);
  for (let layer = 0; layer < layers; layer++) {
    const linear = (
      name: string,
      input: number,
      output: number,
      start: ParameterShape['start'],
      parts?: readonly number[],
    ) => {
      add(`h.${layer}.${name}.weight`, [input, output], start, { layout: 'in-out', parts });
      add(`h.${layer}.${name}.bias`, [output], 'zeros');
    };
    const norm = (name: string) => {
      add(`h.${layer}.${name}.weight`, [C], 'ones');
      add(`h.${layer}.${name}.bias`, [C], 'zeros');
    };
    norm('ln_1');
    linear('attn.c_attn', C, 3 * C, normal, [C, C, C]); // queries, keys, values
    linear('attn.c_proj', C, C, intoResidual);
    norm('ln_2');
    linear('mlp.c_fc', C, 4 * C, normal);
    linear('mlp.c_proj', 4 * C, C, intoResidual);
  }
  add('ln_f.weight', [C], 'ones');
  add('ln_f.bias', [C], 'zeros');
  return list;
}

/** Of the two projections into the residual stream. */
function outputStart({ outputInit, scaledResidualInit, initStd, layers }: Gpt2Config): ParameterShape['start'] {
  if (outputInit === 'zeros') return 'zeros';
  return { deviation: scaledResidualInit ? initStd / Math.sqrt(2 * layers) : initStd };
}

/**
 * The parameter for a tensor of a file. Files of before the class had a head leave the prefix out, and carry the causal mask as a buffer
 * and sometimes the tied output matrix, which are not needed.
 */
export function parameterName(stored: string): string | undefined {
  const name = stored.startsWith('transformer.') ? stored : `transformer.${stored}`;
  return name === 'transformer.lm_head.weight' || /\.attn\.(masked_)?bias$/.test(name) ? undefined : name;
}
