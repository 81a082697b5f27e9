export type { YuanConfig, YuanConfigInput } from './config.ts';
export { countParameters, padVocabulary, parseYuanConfig, trainingFlopsPerToken } from './config.ts';
export type { ModelErrorCode } from './errors.ts';
export { ModelError } from './errors.ts';
export { KeyValueCache } from './key-value-cache.ts';
export type { Precision } from './linear.ts';
export type { SaveOptions } from './model-directory.ts';
export type { ForwardOptions, ModelOptions } from './yuan-lm.ts';
export { YuanLM } from './yuan-lm.ts';
