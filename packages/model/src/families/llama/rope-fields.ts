/** The fields of config.json that describe rotary positions, in the form of transformers 5 (rope_parameters) and that of before. */

import type { Said } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { otherFormat } from '../../config-mistakes.ts';
import type { LlamaConfig } from './config.ts';
import { type RopeScaling, yarnAttentionFactor } from './rope.ts';

const number = z.number().nullish();
const parameters = z.looseObject({
  rope_type: z.string().nullish(),
  /** The name of before. */
  type: z.string().nullish(),
  rope_theta: number,
  factor: number,
  low_freq_factor: number,
  high_freq_factor: number,
  original_max_position_embeddings: z.int().nullish(),
  beta_fast: number,
  beta_slow: number,
  attention_factor: number,
  partial_rotary_factor: z.literal(1).nullish(),
  truncate: z.literal(true).nullish(),
  /** Says how the model was trained. */
  finetuned: z.unknown().optional(),
});
type Parameters = z.output<typeof parameters>;

export const ropeFields = {
  rope_theta: number,
  rope_scaling: parameters.nullish(),
  rope_parameters: parameters.nullish(),
  partial_rotary_factor: z.literal(1).nullish(),
};

interface RopeFile {
  readonly rope_theta?: number | null | undefined;
  readonly rope_scaling?: Parameters | null | undefined;
  readonly rope_parameters?: Parameters | null | undefined;
  readonly max_position_embeddings: number;
}

type Read = Pick<LlamaConfig, 'ropeTheta' | 'ropeScaling'>;

/** @throws ModelError MODEL_OTHER_FORMAT for a way of scaling that is not computed here, and where both forms differ */
export function ropeOf(config: RopeFile, file: string, kind: string): Read {
  const { rope_theta: old, rope_scaling: scaling, rope_parameters: given } = config;
  const theta = given?.rope_theta;
  if (old != null && theta != null && old !== theta) {
    const en = `rope_theta: ${old}, but rope_parameters say ${theta}`;
    throw otherFormat(file, kind, { en, zh: `rope_theta：${old}，而 rope_parameters 中为 ${theta}` });
  }
  const ropeTheta = theta ?? old ?? 10_000;
  const found = given ?? scaling;
  if (found == null) return { ropeTheta };
  const field = given == null ? 'rope_scaling' : 'rope_parameters';
  const ropeScaling = scalingOf(found, config.max_position_embeddings, (name, reason) => {
    const place = name === undefined ? field : `${field}.${name}`;
    return otherFormat(file, kind, { en: `${place}: ${reason.en}`, zh: `${place}：${reason.zh}` });
  });
  return ropeScaling === undefined ? { ropeTheta } : { ropeTheta, ropeScaling };
}

/** @param refuse makes the error, for a field of these or for them all */
function scalingOf(
  found: Parameters,
  contextLength: number,
  refuse: (name: string | undefined, reason: Said) => Error,
): RopeScaling | undefined {
  const type = found.rope_type ?? found.type ?? 'default';
  const need = (name: 'factor' | 'low_freq_factor' | 'high_freq_factor'): number => {
    const value = found[name];
    if (value != null) return value;
    throw refuse(name, { en: 'is missing', zh: '缺少此字段' });
  };
  const known = ['default', 'linear', 'llama3', 'yarn'];
  if (!known.includes(type)) {
    const en = `rotary positions scaled by "${type}" are not known here; known: ${known.join(', ')}`;
    throw refuse(undefined, { en, zh: `此处不认识“${type}”这种旋转位置缩放；可用：${known.join('、')}` });
  }
  const other = Object.keys(found).find((name) => !(name in parameters.shape) && found[name] != null);
  if (other !== undefined) throw refuse(other, { en: 'is not known here', zh: '此处不认识此字段' });
  const originalContext = found.original_max_position_embeddings ?? contextLength;
  switch (type) {
    case 'linear':
      return { type, factor: need('factor') };
    case 'llama3':
      return {
        type,
        factor: need('factor'),
        lowFrequencyFactor: need('low_freq_factor'),
        highFrequencyFactor: need('high_freq_factor'),
        originalContext,
      };
    case 'yarn':
      return {
        type,
        factor: need('factor'),
        originalContext,
        betaFast: found.beta_fast ?? 32,
        betaSlow: found.beta_slow ?? 1,
        attentionFactor: found.attention_factor ?? yarnAttentionFactor(need('factor')),
      };
    default:
      return undefined;
  }
}

/** Both forms: transformers 5 reads rope_parameters; older versions, vLLM and llama.cpp read the others. */
export function ropeToFile({ ropeTheta: rope_theta, ropeScaling }: Read): Record<string, unknown> {
  const scaling = ropeScaling === undefined ? undefined : scalingToFile(ropeScaling);
  return {
    rope_theta,
    rope_scaling: scaling ?? null,
    rope_parameters: { ...(scaling ?? { rope_type: 'default' }), rope_theta },
  };
}

function scalingToFile(scaling: RopeScaling): Record<string, unknown> {
  const { type: rope_type, factor } = scaling;
  switch (scaling.type) {
    case 'linear':
      return { rope_type, factor };
    case 'llama3':
      return {
        rope_type,
        factor,
        low_freq_factor: scaling.lowFrequencyFactor,
        high_freq_factor: scaling.highFrequencyFactor,
        original_max_position_embeddings: scaling.originalContext,
      };
    case 'yarn':
      return {
        rope_type,
        factor,
        original_max_position_embeddings: scaling.originalContext,
        beta_fast: scaling.betaFast,
        beta_slow: scaling.betaSlow,
        attention_factor: scaling.attentionFactor,
      };
  }
}
