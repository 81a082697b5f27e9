/**
 * What a low-rank adapter is (Hu et al. 2021): rank, alpha, and the maps that it adds to; to and from PEFT's adapter_config.json. What
 * PEFT can do and is not computed here (DoRA, other kinds of adapters, ranks of single maps, trained biases …) is refused by its field.
 * Knows no tensors.
 */

import { findMistakes } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { ModelError } from '../errors.ts';
import { type ModelConfig, sizesOf } from '../model-config.ts';
import type { LinearMap } from './linear-maps.ts';
import { linearMapsOf } from './linear-maps.ts';

export interface AdapterConfig {
  /** r: what an adapted map's input is narrowed to. */
  readonly rank: number;
  readonly alpha: number;
  /** Whether what is added is scaled by alpha / sqrt(r) instead of alpha / r (Kalajdzievski 2023). */
  readonly rankStabilized: boolean;
  /** Share of the inputs that the adapter, not the map, does not see while it is trained; absent: none. */
  readonly dropout?: number | undefined;
  /** Ends of the names of the adapted maps, such as `q_proj` or `attn.c_proj`. */
  readonly targets: readonly string[];
}

/** What B A is multiplied by. */
export function adapterScale({ rank, alpha, rankStabilized }: AdapterConfig): number {
  return alpha / (rankStabilized ? Math.sqrt(rank) : rank);
}

/**
 * The maps of a model that the targets name, in the order of the forward pass.
 * @param place said in errors, such as the file
 * @throws ModelError MODEL_BAD_ADAPTER for a target that names none
 */
export function adaptedMaps(targets: readonly string[], config: ModelConfig, place: string): LinearMap[] {
  const maps = linearMapsOf(config);
  const named = (target: string) => maps.filter(({ name }) => `.${name}`.endsWith(`.${target}`));
  const unknown = targets.filter((target) => named(target).length === 0);
  if (unknown.length > 0 || targets.length === 0) {
    const known = [...new Set(maps.map(({ name }) => shortName(name, config)))].join(', ');
    throw badAdapter(place, {
      en: `the model has no maps named ${unknown.join(', ') || '(none given)'}; it has ${known}`,
      zh: `模型中没有名为 ${unknown.join('、') || '（未给出）'} 的映射；有：${known}`,
    });
  }
  const chosen = new Set(targets.flatMap(named));
  return maps.filter((map) => chosen.has(map));
}

/** As people name maps on a command line: a part of a block, or a map as PEFT names it. */
export function targetsOf(words: readonly string[], config: ModelConfig, place: string): string[] {
  const maps = linearMapsOf(config);
  const groups: Record<string, (name: string) => boolean> = {
    all: () => true,
    attention: (name) => /attn\./.test(name),
    mlp: (name) => /mlp\./.test(name),
  };
  const targets = words.flatMap((word) => {
    const group = groups[word];
    if (group === undefined) return [word];
    return maps.filter(({ name }) => group(name)).map(({ name }) => shortName(name, config));
  });
  const distinct = [...new Set(targets)];
  adaptedMaps(distinct, config, place);
  return distinct;
}

/** The shortest end of a name that no map of another kind has: `q_proj`, but `attn.c_proj`, for GPT-2 has two. */
function shortName(name: string, config: ModelConfig): string {
  const parts = name.split('.');
  const last = parts.at(-1)!;
  const count = linearMapsOf(config).filter((map) => map.name.endsWith(`.${last}`)).length;
  return count > sizesOf(config).layers ? parts.slice(-2).join('.') : last;
}

/** Fields whose other values change what is computed, with the values that do not. */
const inert = {
  use_dora: z.literal(false).nullish(),
  bias: z.literal('none').nullish(),
  lora_bias: z.literal(false).nullish(),
  use_qalora: z.literal(false).nullish(),
  rank_pattern: z.strictObject({}).nullish(),
  alpha_pattern: z.strictObject({}).nullish(),
  modules_to_save: z.tuple([]).nullish(),
  layers_to_transform: z.null().optional(),
  layer_replication: z.null().optional(),
  trainable_token_indices: z.null().optional(),
  target_parameters: z.tuple([]).nullish(),
  exclude_modules: z.null().optional(),
  megatron_config: z.null().optional(),
  alora_invocation_tokens: z.null().optional(),
  arrow_config: z.null().optional(),
  kasa_config: z.null().optional(),
  use_bdlora: z.literal(false).nullish(),
  velora_config: z.null().optional(),
};

const fileSchema = z.looseObject({
  peft_type: z.literal('LORA'),
  task_type: z.literal('CAUSAL_LM').nullish(),
  r: z.int().positive(),
  lora_alpha: z.number(),
  lora_dropout: z.number().min(0).lt(1).default(0),
  use_rslora: z.boolean().default(false),
  target_modules: z.union([z.array(z.string()).min(1), z.literal('all-linear')]),
  ...inert,
});

/** @throws ModelError MODEL_BAD_ADAPTER naming every field at fault */
export function fromPeft(value: unknown, model: ModelConfig, file: string): AdapterConfig {
  const found = findMistakes(fileSchema, value);
  if ('mistakes' in found) {
    const list = (language: 'en' | 'zh') =>
      found.mistakes.map((one) => `${one.path}: ${one[language]}`).join(language === 'en' ? '; ' : '；');
    throw badAdapter(file, {
      en: `not an adapter that can be used here: ${list('en')}`,
      zh: `不是此处能用的适配器：${list('zh')}`,
    });
  }
  const {
    r,
    lora_alpha: alpha,
    lora_dropout: dropout,
    use_rslora: rankStabilized,
    target_modules: named,
  } = found.value;
  const targets = named === 'all-linear' ? targetsOf(['all'], model, file) : named;
  adaptedMaps(targets, model, file);
  return { rank: r, alpha, rankStabilized, targets, ...(dropout > 0 && { dropout }) };
}

/** @param base name of the model that it adds to: without a folder of this machine, which means nothing on another */
export function toPeft(adapter: AdapterConfig, model: ModelConfig, base: string): Record<string, unknown> {
  const [map] = adaptedMaps(adapter.targets, model, 'adapter');
  return {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base,
    r: adapter.rank,
    lora_alpha: adapter.alpha,
    lora_dropout: adapter.dropout ?? 0,
    use_rslora: adapter.rankStabilized,
    use_dora: false,
    bias: 'none',
    target_modules: [...adapter.targets],
    fan_in_fan_out: map!.layout === 'in-out',
    inference_mode: true,
    init_lora_weights: true,
    modules_to_save: null,
  };
}

/** @param place the file, or what the adapter was asked for by */
export function badAdapter(place: string, { en, zh }: { en: string; zh: string }): ModelError {
  return new ModelError('MODEL_BAD_ADAPTER', { en: `${place}: ${en}`, zh: `${place}：${zh}` });
}
