/**
 * The config of a model as the metadata that llama.cpp reads (llama-model.cpp, models/gpt2.cpp, llama.cpp, qwen2.cpp, qwen3.cpp). What
 * llama.cpp would compute in another way is refused, not written.
 */
import type { ModelConfig } from '@tunan/model';
import { unfit } from '../errors.ts';
import { float32, type MetadataValue, string, uint32 } from './metadata.ts';

type LlamaConfig = Extract<ModelConfig, { family: 'llama' }>;
type Entries = [key: string, value: MetadataValue][];
/** What of a config says how positions turn. */
type Rope =
  | Pick<LlamaConfig, 'family' | 'headDim' | 'ropeTheta' | 'ropeScaling'>
  | { readonly family?: 'gpt2' | undefined };

/** llama.cpp's name of the architecture. */
export function architectureOf(config: ModelConfig): 'gpt2' | 'llama' | 'qwen2' | 'qwen3' {
  return config.family === 'llama' ? config.variant : 'gpt2';
}

/** @throws ExportError EXPORT_UNFIT for what llama.cpp does not compute */
export function configMetadata(config: ModelConfig): Entries {
  return config.family === 'llama' ? llamaMetadata(config) : gpt2Metadata(config);
}

/** The factors that a Llama's frequencies are divided by, (D / 2), which stand in a GGUF as a tensor; undefined where there are none. */
export function ropeFactors(config: Rope): Float32Array | undefined {
  if (config.family !== 'llama' || config.ropeScaling?.type !== 'llama3') return undefined;
  const { headDim, ropeTheta, ropeScaling: scaling } = config;
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const turns = (scaling.originalContext * ropeTheta ** ((-2 * i) / headDim)) / (2 * Math.PI);
    const { factor, lowFrequencyFactor: low, highFrequencyFactor: high } = scaling;
    if (turns < low) return factor;
    if (turns > high) return 1;
    const kept = (turns - low) / (high - low);
    return 1 / ((1 - kept) / factor + kept);
  });
}

function gpt2Metadata({ contextLength, width, layers, heads, layerNormEpsilon }: Exclude<ModelConfig, LlamaConfig>) {
  return [
    ['gpt2.block_count', uint32(layers)],
    ['gpt2.context_length', uint32(contextLength)],
    ['gpt2.embedding_length', uint32(width)],
    ['gpt2.feed_forward_length', uint32(4 * width)],
    ['gpt2.attention.head_count', uint32(heads)],
    ['gpt2.attention.layer_norm_epsilon', float32(layerNormEpsilon)],
  ] satisfies Entries;
}

function llamaMetadata(config: LlamaConfig): Entries {
  const { variant, width, heads, headDim } = config;
  if (variant === 'qwen2' && heads * headDim !== width) {
    throw unfit(
      `llama.cpp runs a Qwen2 only with heads that are together as wide as the model; here ${heads} heads of ${headDim} are not ${width} wide: use --format hf`,
      `llama.cpp 只能运行各头总宽等于模型宽度的 Qwen2；此模型 ${heads} 个宽 ${headDim} 的头不等于 ${width}：请用 --format hf`,
    );
  }
  const own: Entries = [
    ['vocab_size', uint32(config.vocabularySize)],
    ['block_count', uint32(config.layers)],
    ['context_length', uint32(config.contextLength)],
    ['embedding_length', uint32(width)],
    ['feed_forward_length', uint32(config.mlpWidth)],
    ['attention.head_count', uint32(heads)],
    ['attention.head_count_kv', uint32(config.kvHeads)],
    ['attention.key_length', uint32(headDim)],
    ['attention.value_length', uint32(headDim)],
    ['attention.layer_norm_rms_epsilon', float32(config.normEpsilon)],
    ['rope.dimension_count', uint32(headDim)],
    ['rope.freq_base', float32(config.ropeTheta)],
    ...ropeScalingMetadata(config),
  ];
  return own.map(([key, value]) => [`${variant}.${key}`, value]);
}

function ropeScalingMetadata({ variant, ropeScaling: scaling }: LlamaConfig): Entries {
  switch (scaling?.type) {
    case undefined:
      return [];
    case 'linear':
      return [
        ['rope.scaling.type', string('linear')],
        ['rope.scaling.factor', float32(scaling.factor)],
      ];
    case 'llama3':
      if (variant === 'llama') return []; // a tensor of factors says it: ropeFactors
      throw unfit(
        `llama.cpp stretches rotary positions as Llama 3 does only in models of the form of Llama, not of ${variant}: use --format hf`,
        `llama.cpp 只在 Llama 形式的模型中支持 Llama 3 的旋转位置缩放，${variant} 不行：请用 --format hf`,
      );
    case 'yarn':
      if (scaling.betaFast !== 32 || scaling.betaSlow !== 1) {
        throw unfit(
          `llama.cpp computes YaRN with beta_fast 32 and beta_slow 1 alone; here they are ${scaling.betaFast} and ${scaling.betaSlow}: use --format hf`,
          `llama.cpp 的 YaRN 只用 beta_fast 32、beta_slow 1；此模型为 ${scaling.betaFast} 与 ${scaling.betaSlow}：请用 --format hf`,
        );
      }
      return [
        ['rope.scaling.type', string('yarn')],
        ['rope.scaling.factor', float32(scaling.factor)],
        ['rope.scaling.original_context_length', uint32(scaling.originalContext)],
        // llama.cpp scales by the factor of the paper itself; what differs from it goes on top.
        ['rope.scaling.attn_factor', float32(scaling.attentionFactor / (1 + 0.1 * Math.log(scaling.factor)))],
      ];
  }
}
