/**
 * Causal language models of several families, trained, saved and loaded as Hugging Face directories.
 *
 * @module @tunan/model
 */
export { type ExchangeOptions, exchangeVocabulary } from './directory/exchange-vocabulary.ts';
export {
  type DirectoryFile,
  filesBesideWeights,
  modelFiles,
  type SaveOptions,
  saveModelDirectory,
  weightsFile,
  weightsIndex,
  writeDirectoryFile,
} from './directory/model-directory.ts';
export { readModelConfig } from './directory/model-files.ts';
export { StoredWeights } from './directory/stored-weights.ts';
export { weightsSha256 } from './directory/weights-hash.ts';
export type { ModelErrorCode } from './errors.ts';
export { ModelError } from './errors.ts';
export { queryScale, rotaryFrequencies } from './families/llama/rope.ts';
export type { Sizes } from './family.ts';
export { KeyValueCache } from './forward/key-value-cache.ts';
export { type Block, type CachedModel, KeyValuePool } from './forward/key-value-pool.ts';
export { PackedForward, type Segment } from './forward/packed-forward.ts';
export { type TokenTree, treeRows } from './forward/token-tree.ts';
export type { ForwardOptions, ModelOptions, PiecePass, PromptAttention, Recomputation } from './language-model.ts';
export { LanguageModel } from './language-model.ts';
export {
  /** @public */
  denseLinear,
  type LayerMakers,
  type Linear,
  type LinearParts,
  type LinearRole,
  type Precision,
} from './layers/linear.ts';
export { denseHead, type OutputHead } from './layers/output-head.ts';
export type { TokenEmbedding } from './layers/token-embedding.ts';
export { AdapterBank, type BankedAdapter } from './lora/adapter-bank.ts';
export { type AdapterConfig, adapterScale, targetsOf } from './lora/adapter-config.ts';
export {
  type AdapterBase,
  adapterBytes,
  adapterFiles,
  baseSha256,
  isAdapter,
  loadAdapter,
  requireBase,
  saveAdapter,
} from './lora/adapter-directory.ts';
export { adapterParameters, LoraLayers, type TakeHalf } from './lora/lora-layers.ts';
export { type MergeOptions, mergeAdapter } from './lora/merge.ts';
export {
  type ModelConfig,
  type ModelConfigInput,
  padVocabulary,
  parameterShapesOf,
  parametersOf,
  parseModelConfig,
  sizesOf,
  toHuggingFaceConfig,
  trainingFlopsPerToken,
} from './model-config.ts';
export { holds, type ModelPart, type ModelPiece } from './model-part.ts';
export type { DividedRun, Division, ParameterShape, Place, PlacedParameter } from './parameters.ts';
