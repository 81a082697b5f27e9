/**
 * Low-rank adapters as makers of layers: y = x W + b + s (x Aᵀ) Bᵀ with A (r, in), B (out, r) and a constant s. W and b stay as they are;
 * A and B are float32 and take gradients. The layers own A and B; the model owns W.
 */

import {
  type Device,
  dropout,
  keep,
  linear,
  linearResidual,
  manualSeed,
  noGrad,
  rand,
  scope,
  type Tensor,
  zeros,
} from '@tunan/torch';
import { denseLinear, type LayerMakers, type Linear, type LinearParts, type LinearRole } from '../layers/linear.ts';
import type { ModelConfig } from '../model-config.ts';
import { type AdapterConfig, adaptedMaps, adapterScale } from './adapter-config.ts';

/** Of one map: `a` (r, in) and `b` (out, r), float32. */
export interface LoraPair {
  readonly a: Tensor;
  readonly b: Tensor;
}

export class LoraLayers implements LayerMakers, Disposable {
  readonly config: AdapterConfig;
  /** By the names of the maps, in the order of the forward pass. */
  readonly pairs: ReadonlyMap<string, LoraPair>;
  readonly beginPass: ((training: boolean) => void) | undefined;
  #training = false;

  /** @param pairs of every map that the config adapts; the layers own them from now on */
  constructor(config: AdapterConfig, pairs: ReadonlyMap<string, LoraPair>) {
    this.config = config;
    this.pairs = pairs;
    this.beginPass =
      config.dropout === undefined
        ? undefined
        : (training) => {
            this.#training = training;
          };
  }

  /**
   * Fresh ones that add nothing yet: B is 0, A uniform as PEFT's (Kaiming's, with bounds of 1 / sqrt(in)). They depend on
   * (config, model, seed) alone: the numbers are drawn on the CPU whatever the device.
   */
  static fresh(config: AdapterConfig, model: ModelConfig, seed: number, device: Device = 'cpu'): LoraLayers {
    manualSeed(seed);
    const pairs = new Map<string, LoraPair>();
    for (const { name, inputs, outputs } of adaptedMaps(config.targets, model, 'adapter')) {
      const bound = 1 / Math.sqrt(inputs);
      const drawn = () =>
        rand([config.rank, inputs])
          .mul(2 * bound)
          .sub(bound)
          .to({ device });
      const a = keep(noGrad(() => scope(drawn)));
      const b = keep(zeros([outputs, config.rank], { device }));
      for (const one of [a, b]) one.requiresGrad = true;
      pairs.set(name, { a, b });
    }
    return new LoraLayers(config, pairs);
  }

  readonly makeLinear = (_role: LinearRole, parts: LinearParts): Linear => {
    const base = denseLinear(parts);
    const pair = this.pairs.get(parts.name);
    if (pair === undefined) return base;
    const { dropout: share } = this.config;
    const read = share === undefined ? undefined : (x: Tensor) => (this.#training ? dropout(x, share, true) : x);
    return loraLinear(base, pair, adapterScale(this.config), read);
  };

  /** Under the names that PEFT gives them, in the order of the forward pass. */
  namedParameters(): ReadonlyMap<string, Tensor> {
    return new Map(
      [...this.pairs].flatMap(([name, { a, b }]) => [
        [peftName(name, 'A'), a],
        [peftName(name, 'B'), b],
      ]),
    );
  }

  [Symbol.dispose](): void {
    for (const { a, b } of this.pairs.values()) for (const one of [a, b]) one.dispose();
  }
}

/** Of one of the two matrices of a map. */
export function peftName(map: string, side: 'A' | 'B'): string {
  return `base_model.model.${map}.lora_${side}.weight`;
}

/** @param read what the adapter, not the map, reads of the input */
function loraLinear(base: Linear, { a, b }: LoraPair, scale: number, read = (input: Tensor) => input): Linear {
  /** Scaled while it is narrow. */
  const narrow = (input: Tensor) => linear(read(input), a).mul(scale); // (…, r)
  const apply = (input: Tensor) => linearResidual(base.apply(input), narrow(input), b);
  return {
    apply,
    gelu: (input) => apply(input).gelu('tanh'),
    addTo: (residual, input) => linearResidual(base.addTo(residual, input), narrow(input), b),
  };
}
