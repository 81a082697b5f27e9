/**
 * Low-rank adapters as makers of layers: y = x W + b + s (x Aᵀ) Bᵀ with A (r, in), B (out, r) and a constant s. W and b stay as they are;
 * A and B are float32 and take gradients. The layers own A and B; the model owns W.
 */

import {
  type Device,
  dropout,
  geluTanh,
  keep,
  linear,
  linearResidual,
  manualSeed,
  noGrad,
  ones,
  rand,
  scope,
  type Tensor,
  zeros,
} from '@tunan/torch';
import { denseLinear, type LayerMakers, type Linear, type LinearParts, type LinearRole } from '../layers/linear.ts';
import { type ModelConfig, parametersOf } from '../model-config.ts';
import type { PlacedParameter } from '../parameters.ts';
import { type AdapterConfig, adaptedMaps, adapterScale } from './adapter-config.ts';

/** Of one map: `a` (r, in) and `b` (out, r), float32, or the parts of them that are here. */
export interface LoraPair {
  readonly a: Tensor;
  readonly b: Tensor;
  /** Where `a` has a part of the inputs. */
  readonly inputs?: {
    readonly all: number /** (N, all) → (N, those that are here). */;
    readonly cut: (rows: Tensor) => Tensor;
  };
}

export class LoraLayers implements LayerMakers, Disposable {
  readonly config: AdapterConfig;
  /** By the names of the maps, in the order of the forward pass. */
  readonly pairs: ReadonlyMap<string, LoraPair>;
  readonly beginPass: ((training: boolean) => void) | undefined;
  #training = false;

  /** @param pairs of every map that the config adapts and that is here; the layers own them from now on */
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
   * (config, model, seed) alone: the numbers are drawn on the CPU whatever the device, and all are, whatever is held.
   * @param take what is held of each matrix, all of it unless told
   */
  static fresh(
    config: AdapterConfig,
    model: ModelConfig,
    seed: number,
    device: Device = 'cpu',
    take: TakeHalf = copyOf,
  ): LoraLayers {
    manualSeed(seed);
    const pairs = new Map<string, LoraPair>();
    for (const { name, inputs, outputs } of adaptedMaps(config.targets, model, 'adapter')) {
      const bound = 1 / Math.sqrt(inputs);
      const a = () =>
        rand([config.rank, inputs])
          .mul(2 * bound)
          .sub(bound);
      const pair = heldPair(name, { a, b: () => zeros([outputs, config.rank]) }, device, take);
      if (pair !== undefined) pairs.set(name, pair);
    }
    return new LoraLayers(config, pairs);
  }

  readonly makeLinear = (_role: LinearRole, parts: LinearParts): Linear => {
    const base = denseLinear(parts);
    const pair = this.pairs.get(parts.name);
    if (pair === undefined) return base;
    const { dropout: share } = this.config;
    const read = share === undefined ? undefined : (x: Tensor) => (this.#training ? dropped(x, share, pair) : x);
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

/** What is held of one of the two matrices of a map, by its name: a copy of the whole or of a part; undefined where nothing is. */
export type TakeHalf = (name: string, whole: Tensor) => Tensor | undefined;

export const copyOf: TakeHalf = (_name, whole) => whole.clone();

/** What is held of a pair, taking gradients; undefined where nothing is. Both are made in any case. */
export function heldPair(
  map: string,
  { a: makeA, b: makeB }: { readonly a: () => Tensor; readonly b: () => Tensor },
  device: Device,
  take: TakeHalf,
): LoraPair | undefined {
  const [nameOfA, nameOfB] = [peftName(map, 'A'), peftName(map, 'B')];
  return noGrad(() =>
    scope(() => {
      const whole = makeA();
      const [a, b] = [take(nameOfA, whole)?.to({ device }), take(nameOfB, makeB())?.to({ device })];
      if (a === undefined || b === undefined) return undefined;
      for (const one of [a, b]) keep(one).requiresGrad = true;
      const all = whole.shape[1]!;
      return { a, b, ...(a.shape[1] !== all && { inputs: { all, cut: (rows) => take(nameOfA, rows)! } }) };
    }),
  );
}

/** The masks are those of all inputs, also where a part of them is here: they do not depend on how many share a map. */
function dropped(x: Tensor, share: number, { inputs }: LoraPair): Tensor {
  const { shape, device } = x;
  // Nothing is drawn in float16 on the CPU.
  const dtype = x.dtype === 'float16' ? 'float32' : x.dtype;
  if (inputs === undefined) return dropout(x.to(dtype), share, true).to(x.dtype);
  const mask = () => inputs.cut(dropout(ones([x.size / shape.at(-1)!, inputs.all], { dtype, device }), share, true));
  return x.mul(noGrad(() => mask().to(x.dtype)).view(...shape));
}

/**
 * The matrices of an adapter as devices that share a model hold them: beside a map whose outputs are divided, B is divided by the same
 * outputs and all have A; beside one whose inputs are, A is divided, and all have B.
 */
export function adapterParameters({ rank, targets }: AdapterConfig, model: ModelConfig): PlacedParameter[] {
  const parameters = new Map(parametersOf(model).map((one) => [one.name, one]));
  return adaptedMaps(targets, model, 'adapter').flatMap(({ name, inputs, outputs, layout }): PlacedParameter[] => {
    const { place, division } = parameters.get(`${name}.weight`)!;
    const ofOutputs = division !== undefined && (layout === 'in-out') === (division.dim === 1);
    const half = (side: 'A' | 'B', shape: readonly number[], dim: 0 | 1, isDivided: boolean): PlacedParameter => ({
      name: peftName(name, side),
      shape,
      place,
      ...(division !== undefined && (isDivided ? { division: { ...division, dim } } : { hasPartialGradient: true })),
    });
    return [half('A', [rank, inputs], 1, !ofOutputs), half('B', [outputs, rank], 0, ofOutputs)];
  });
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
    gelu: (input) => geluTanh(apply(input)),
    addTo: (residual, input) => linearResidual(base.addTo(residual, input), narrow(input), b),
  };
}
