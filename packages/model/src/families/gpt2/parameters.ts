/**
 * Names, shapes and starting values of the parameters of a GPT-2. Names and layout are those of Hugging Face's GPT2LMHeadModel; the
 * output matrix is the embedding itself and has no name of its own.
 */

import type { DividedRun, MatrixLayout, ParameterShape } from '../../parameters.ts';
import type { Gpt2Config } from './config.ts';

type Rest = Omit<ParameterShape, 'name' | 'shape' | 'start'>;

export function parameterShapes(config: Gpt2Config): ParameterShape[] {
  const { vocabularySize: V, contextLength, width: C, layers, initStd } = config;
  const normal = { deviation: initStd };
  const intoResidual = outputStart(config);
  const list: ParameterShape[] = [];
  const add = (name: string, shape: number[], start: ParameterShape['start'], rest: Rest) =>
    list.push({ name: `transformer.${name}`, shape, start, ...rest });
  const words: DividedRun = { of: 'vocabulary', units: V, width: 1 };
  const heads = (of: DividedRun['of']): DividedRun => ({ of, units: config.heads, width: C / config.heads });
  const hidden: DividedRun = { of: 'mlp', units: 4 * C, width: 1 };
  add('wte.weight', [V, C], normal, { place: 'both', division: { dim: 0, runs: [words] } });
  add('wpe.weight', [contextLength, C], normal, { place: 'start' });
  for (let place = 0; place < layers; place++) {
    const at = (name: string) => `h.${place}.${name}`;
    /** From the stream: devices divide what it gives. */
    const widening = (name: string, runs: readonly DividedRun[]) => {
      const parts = runs.map(({ units, width }) => units * width);
      const outputs = parts.reduce((sum, part) => sum + part, 0);
      const matrix: MatrixLayout = { layout: 'in-out', parts: parts.length === 1 ? undefined : parts };
      add(at(`${name}.weight`), [C, outputs], normal, { place, matrix, division: { dim: 1, runs } });
      add(at(`${name}.bias`), [outputs], 'zeros', { place, division: { dim: 0, runs } });
    };
    /** Back into the stream: devices divide what it reads. */
    const narrowing = (name: string, run: DividedRun) => {
      const division = { dim: 0, runs: [run] } as const;
      add(at(`${name}.weight`), [run.units * run.width, C], intoResidual, {
        place,
        matrix: { layout: 'in-out' },
        division,
      });
      add(at(`${name}.bias`), [C], 'zeros', { place });
    };
    const norm = (name: string) => {
      add(at(`${name}.weight`), [C], 'ones', { place });
      add(at(`${name}.bias`), [C], 'zeros', { place });
    };
    norm('ln_1');
    widening('attn.c_attn', [heads('queries'), heads('keys-values'), heads('keys-values')]);
    narrowing('attn.c_proj', heads('queries'));
    norm('ln_2');
    widening('mlp.c_fc', [hidden]);
    narrowing('mlp.c_proj', hidden);
  }
  add('ln_f.weight', [C], 'ones', { place: 'end' });
  add('ln_f.bias', [C], 'zeros', { place: 'end' });
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
