/**
 * @tunan/inference: generation with a Yuan LM. `generate` answers one request with a model in hand; `InferenceEngine`
 * serves many at once from one batch.
 */
export { type EngineOptions, InferenceEngine } from './engines/torch/torch-engine.ts';
export { InferenceError, type InferenceErrorCode } from './errors.ts';
export {
  collect,
  type GeneratedSequence,
  type GenerateOptions,
  type GenerationResult,
  generate,
} from './generate.ts';
export type { Generation, GenerationChunk, TokenReport, TokenUsage } from './generation.ts';
export type { GenerationRequest } from './request.ts';
export type { PenaltyOptions } from './sampling/penalties.ts';
export type { DrawOptions } from './sampling/sampling.ts';
