/**
 * Names, shapes and starting values of the parameters of a Yuan LM. Names and layout are those of Hugging Face's
 * GPT2LMHeadModel; the output matrix is the embedding itself and has no name of its own.
 */

import { type Device, keep, manualSeed, noGrad, ones, scope, type Tensor, zeros } from '@tunan/torch';
import type { YuanConfig } from './config.ts';

type Start = 'normal' | 'normal-into-residual' | 'zeros' | 'ones';

export interface ParameterShape {
  readonly name: string;
  readonly shape: readonly number[];
  readonly start: Start;
}

/** Every parameter in the order of the forward pass, which is also the order of the optimizer. */
export function parameterShapes(config: YuanConfig): ParameterShape[] {
  const { vocabularySize: V, contextLength, width: C } = config;
  const list: ParameterShape[] = [];
  const add = (name: string, shape: number[], start: Start) => list.push({ name: `transformer.${name}`, shape, start });
  add('wte.weight', [V, C], 'normal');
  add('wpe.weight', [contextLength, C], 'normal');
  for (let layer = 0; layer < config.layers; layer++) {
    const linear = (name: string, input: number, output: number, start: Start) => {
      add(`h.${layer}.${name}.weight`, [input, output], start);
      add(`h.${layer}.${name}.bias`, [output], 'zeros');
    };
    const norm = (name: string) => {
      add(`h.${layer}.${name}.weight`, [C], 'ones');
      add(`h.${layer}.${name}.bias`, [C], 'zeros');
    };
    norm('ln_1');
    linear('attn.c_attn', C, 3 * C, 'normal');
    linear('attn.c_proj', C, C, 'normal-into-residual');
    norm('ln_2');
    linear('mlp.c_fc', C, 4 * C, 'normal');
    linear('mlp.c_proj', 4 * C, C, 'normal-into-residual');
  }
  add('ln_f.weight', [C], 'ones');
  add('ln_f.bias', [C], 'zeros');
  return list;
}

/** Matrices and embeddings, which weight decay pulls on; biases and norms are left alone. */
export function isDecayed(parameter: Tensor): boolean {
  return parameter.shape.length >= 2;
}

/** Fresh parameters that depend on (config, seed) alone: the numbers are drawn on the CPU whatever the device. */
export function initialParameters(config: YuanConfig, seed: number, device: Device): Map<string, Tensor> {
  const residualStd = config.scaledResidualInit ? config.initStd / Math.sqrt(2 * config.layers) : config.initStd;
  const make: Record<Start, (shape: number[]) => Tensor> = {
    normal: (shape) => zeros(shape).normal_(0, config.initStd),
    'normal-into-residual': (shape) => zeros(shape).normal_(0, residualStd),
    zeros: (shape) => zeros(shape),
    ones: (shape) => ones(shape),
  };
  manualSeed(seed);
  const parameters = new Map<string, Tensor>();
  for (const { name, shape, start } of parameterShapes(config)) {
    const parameter = noGrad(() => scope(() => make[start]([...shape]).to({ device })));
    parameter.requiresGrad = true;
    parameters.set(name, keep(parameter));
  }
  return parameters;
}
