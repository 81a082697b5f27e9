/**
 * Rotary positions (Su et al. 2021): each pair of a head's elements turns by its own frequency, theta^(-2i/D) radians a position, and how
 * the frequencies were changed for contexts longer than those of the first training. The formulas are those of transformers'
 * modeling_rope_utils.py; a way that is not here is refused by name where a file asks for it.
 */

import { z } from 'zod';

const factor = z.number().min(1);
const positive = z.int().positive();

export const ropeScaling = z.discriminatedUnion('type', [
  /** All positions divided by the factor. Chen et al. 2023. */
  z.strictObject({ type: z.literal('linear'), factor }),
  /** Only waves longer than originalContext / lowFrequencyFactor, with a ramp down to originalContext / highFrequencyFactor: Llama 3.1. */
  z.strictObject({
    type: z.literal('llama3'),
    factor,
    lowFrequencyFactor: z.number().positive(),
    highFrequencyFactor: z.number().positive(),
    originalContext: positive,
  }),
  /** A ramp from betaFast to betaSlow turns in the original context, and queries and keys scaled. Peng et al. 2023. */
  z.strictObject({
    type: z.literal('yarn'),
    factor,
    originalContext: positive,
    betaFast: z.number().positive(),
    betaSlow: z.number().positive(),
    attentionFactor: z.number().positive(),
  }),
]);

export type RopeScaling = z.output<typeof ropeScaling>;
type ScalingOf<Type extends RopeScaling['type']> = RopeScaling & { readonly type: Type };

export interface Rope {
  readonly headDim: number;
  readonly ropeTheta: number;
  readonly ropeScaling?: RopeScaling | undefined;
}

/** Radians a position, (D / 2). */
export function rotaryFrequencies(rope: Rope): number[] {
  const { headDim, ropeTheta, ropeScaling: scaling } = rope;
  const plain = Array.from({ length: headDim / 2 }, (_, i) => ropeTheta ** ((-2 * i) / headDim));
  switch (scaling?.type) {
    case undefined:
      return plain;
    case 'linear':
      return plain.map((frequency) => frequency / scaling.factor);
    case 'llama3':
      return plain.map((frequency) => llama3Frequency(frequency, scaling));
    case 'yarn':
      return yarnFrequencies(plain, scaling, rope);
  }
}

/** What the queries are multiplied by: YaRN scales queries and keys, so the scores by the square. */
export function queryScale({ ropeScaling: scaling }: Rope): number {
  return scaling?.type === 'yarn' ? scaling.attentionFactor ** 2 : 1;
}

/** Of YaRN where a file gives none. */
export function yarnAttentionFactor(factor: number): number {
  return 0.1 * Math.log(factor) + 1;
}

function llama3Frequency(frequency: number, scaling: ScalingOf<'llama3'>): number {
  const { factor: by, lowFrequencyFactor: low, highFrequencyFactor: high, originalContext } = scaling;
  const turns = (originalContext * frequency) / (2 * Math.PI); // in the original context
  if (turns < low) return frequency / by;
  if (turns > high) return frequency;
  const kept = (turns - low) / (high - low);
  return (1 - kept) * (frequency / by) + kept * frequency;
}

function yarnFrequencies(plain: readonly number[], scaling: ScalingOf<'yarn'>, { headDim, ropeTheta }: Rope): number[] {
  // The pair that makes so many turns in the original context.
  const pairOf = (turns: number) =>
    (headDim * Math.log(scaling.originalContext / (turns * 2 * Math.PI))) / (2 * Math.log(ropeTheta));
  const first = Math.max(Math.floor(pairOf(scaling.betaFast)), 0);
  const last = Math.min(Math.ceil(pairOf(scaling.betaSlow)), headDim - 1);
  return plain.map((frequency, pair) => {
    const stretched = Math.min(1, Math.max(0, (pair - first) / (first === last ? 0.001 : last - first)));
    return frequency * (1 - stretched) + (frequency / scaling.factor) * stretched;
  });
}
