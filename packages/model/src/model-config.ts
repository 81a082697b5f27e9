/** The families there are, and configs of any of them: which family it is, sizes, FLOPs, config.json. */

import { ModelError } from './errors.ts';
import type { Gpt2Config, Gpt2ConfigInput } from './families/gpt2/config.ts';
import { gpt2 } from './families/gpt2/gpt2.ts';
import type { LlamaConfig, LlamaConfigInput } from './families/llama/config.ts';
import { llama } from './families/llama/llama.ts';
import type { Family, Sizes } from './family.ts';
import type { ParameterShape } from './parameters.ts';

/** What a model was trained to do, whatever its family. */
interface Trained {
  /**
   * 'plm' for a prefix language model: it reads a prompt with attention in both directions and writes behind it. Absent for a causal
   * one. A field of config.json too, so that who scores or generates reads a prompt as the model has learnt to.
   */
  readonly objective?: 'plm' | undefined;
}

/** A union by `family`. All of them have vocabularySize, contextLength, layers, width, heads, dropout, initStd and endOfDocumentId. */
export type ModelConfig = (Gpt2Config | LlamaConfig) & Trained;
/** A ModelConfig in which the fields that have a default may be left out. */
export type ModelConfigInput = (Gpt2ConfigInput | LlamaConfigInput) & Trained;

/** The first is meant where a config names none. */
const families: readonly Family<ModelConfig>[] = [gpt2 as Family<ModelConfig>, llama as Family<ModelConfig>];

export function familyOf(config: { readonly family?: unknown }, place = 'model config'): Family<ModelConfig> {
  const name = config.family ?? families[0]!.name;
  const family = families.find((one) => one.name === name);
  if (family !== undefined) return family;
  const known = families.map((one) => one.name).join(', ');
  throw new ModelError('MODEL_BAD_CONFIG', `${place}: family: there is no ${JSON.stringify(name)}; there are ${known}`);
}

/**
 * Checks a config and fills in its defaults.
 * @param place said in the error, such as the file it came from
 * @throws ModelError MODEL_BAD_CONFIG
 */
export function parseModelConfig(value: unknown, place = 'model config'): ModelConfig {
  if (typeof value !== 'object' || value === null) return familyOf({}, place).parseConfig(value, place);
  const { objective = 'lm', ...own } = value as Record<string, unknown>;
  const config = familyOf(own, place).parseConfig(own, place);
  if (objective === 'plm') return { ...config, objective };
  if (objective === 'lm') return config;
  const given = JSON.stringify(objective);
  throw new ModelError('MODEL_BAD_CONFIG', {
    en: `${place}: objective: there is no ${given}; a model is lm or plm`,
    zh: `${place}：objective：没有 ${given}；只有 lm 与 plm`,
  });
}

/** The shapes of a model's parameters by name, in the order of the forward pass. */
export function parameterShapesOf(config: ModelConfig): ReadonlyMap<string, readonly number[]> {
  return new Map(parametersOf(config).map(({ name, shape }) => [name, shape]));
}

/** The parameters of a model with all that its family says of them, in the order of the forward pass. */
export function parametersOf(config: ModelConfig): ParameterShape[] {
  return familyOf(config).parameterShapes(config);
}

export function sizesOf(config: ModelConfig): Sizes {
  return familyOf(config).sizes(config);
}

/**
 * Floating-point operations of forward and backward for one token of a window of `time` tokens, no recomputation:
 * 6 x (parameters that are multiplied) + 6 L T H D, the attention counted as causal (half of the full square).
 */
export function trainingFlopsPerToken(config: ModelConfig, time: number): number {
  const { parameters, layers, heads, headDim } = sizesOf(config);
  return 6 * parameters.multiplied + 6 * layers * time * heads * headDim;
}

/** The next multiple that holds `size` entries: 128 x tensor-parallel size in Megatron and Yuan 1.0. */
export function padVocabulary(size: number, multiple = 128): number {
  return Math.ceil(size / multiple) * multiple;
}

/**
 * The config that a config.json of Hugging Face's describes.
 * @throws ModelError MODEL_OTHER_FORMAT when it is that of another kind of model, naming what differs
 */
export function fromHuggingFaceConfig(value: unknown, file: string): ModelConfig {
  const { model_type: type, architectures } = (value ?? {}) as { model_type?: unknown; architectures?: unknown };
  const found = families.flatMap((family) => family.kinds.map((kind) => ({ family, ...kind })));
  const meant = found.filter(({ modelType }) => modelType === type);
  if (meant.length === 0) {
    const known = found.map(({ modelType, architecture }) => `${modelType} (${architecture})`);
    const [en, zh] =
      typeof type === 'string' ? [`a model of type ${type}`, `${type} 类的模型`] : ['no model_type', '没有 model_type'];
    throw new ModelError('MODEL_OTHER_FORMAT', {
      en: `${file}: model_type: ${en}; only ${known.join(', ')} directories can be loaded`,
      zh: `${file}：model_type：${zh}；只能载入 ${known.join('、').replaceAll(' (', '（').replaceAll(')', '）')}目录`,
    });
  }
  const [{ family, architecture }] = meant as [(typeof meant)[number]];
  if (architectures != null && !(Array.isArray(architectures) && architectures.includes(architecture))) {
    const others = [architectures].flat().join(', ');
    throw new ModelError('MODEL_OTHER_FORMAT', {
      en: `${file}: architectures: ${others}; only ${architecture} can be loaded`,
      zh: `${file}：architectures：${others}；只能载入 ${architecture}`,
    });
  }
  const config = family.fromHuggingFace(value, file);
  const { objective } = value as { objective?: unknown };
  return objective === 'plm' ? { ...config, objective } : config;
}

/** transformers keeps the field of a prefix language model and does not look at it: there a prompt is read causally. */
export function toHuggingFaceConfig(config: ModelConfig): Record<string, unknown> {
  const { objective } = config;
  return { ...familyOf(config).toHuggingFace(config), ...(objective && { objective }) };
}
