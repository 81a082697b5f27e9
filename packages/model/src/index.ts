/**
 * Yuan LM: a pre-LN GPT stored as GPT2LMHeadModel.
 *
 * @module @tunan/model
 */
export { readModelConfig, type SaveOptions } from './directory/model-directory.ts';
export type { ModelErrorCode } from './errors.ts';
export { ModelError } from './errors.ts';
export { type BlockParts, beforeAttention, behindAttention } from './families/gpt2/block.ts';
export type { YuanConfig, YuanConfigInput } from './families/gpt2/config.ts';
export { countParameters, padVocabulary, parseYuanConfig, trainingFlopsPerToken } from './families/gpt2/config.ts';
export { KeyValueCache } from './forward/key-value-cache.ts';
export type { ForwardOptions, ModelOptions } from './language-model.ts';
export { YuanLM } from './language-model.ts';
export type { Precision } from './layers/linear.ts';
