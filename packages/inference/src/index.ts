/**
 * Text generation. An `Engine` answers many requests at once: `TorchEngine` and `LlamaCppEngine` in this process, `RemoteEngine` by
 * asking another server; `openEngine` opens any. `generate` answers one request with a model in hand.
 *
 * @module @tunan/inference
 */
export { submitBestOf } from './best-of.ts';
export type { AnswerConstraint } from './constraints/compile-constraint.ts';
export { satisfies } from './constraints/satisfies.ts';
export type { EmbeddedTexts, EmbeddingInput, Engine, Occupancy, TokenBound } from './engine.ts';
export type { AdapterOptions, AdapterPlace } from './engines/adapters.ts';
/** @public */
export { type CompileStep, compileLlamaCpp } from './engines/llama-cpp/compile.ts';
export type { CacheType, LlamaCppEngine, LlamaCppOptions } from './engines/llama-cpp/llama-cpp-engine.ts';
export {
  addressesOf,
  ggufOf,
  type LocalEngineKind,
  nameOf,
  type OpenedEngine,
  type OpenOptions,
  openEngine,
} from './engines/open-engine.ts';
/** @public */
export { RemoteEngine, type RemoteEngineOptions } from './engines/remote/remote-engine.ts';
export type { WorkerStatus } from './engines/remote/worker.ts';
export { PrefixCache } from './engines/torch/prefix-cache.ts';
export { TorchEngine, type TorchEngineOptions } from './engines/torch/torch-engine.ts';
export { InferenceError, type InferenceErrorCode } from './errors.ts';
/** @public */
export { ExportError, type ExportErrorCode } from './export/errors.ts';
export { type AdapterGgufType, adapterTypes, exportAdapter } from './export/export-adapter.ts';
export { type ExportedGguf, type ExportedTensor, exportGguf, type GgufOptions } from './export/export-gguf.ts';
export { exportHuggingFace, type HuggingFaceType, huggingFaceTypes } from './export/export-hugging-face.ts';
export { type ExportedOnnx, exportOnnx, type OnnxOptions } from './export/export-onnx.ts';
export { type GgufType, ggufTypes } from './export/gguf/file-types.ts';
export { fallbackLines, writeGgufCard } from './export/gguf-card.ts';
export { type ImportedGguf, importGguf, loadGguf } from './export/import-gguf.ts';
export { lossInPercent, type MeasuredLoss } from './export/measured-loss.ts';
export { modelfile } from './export/modelfile.ts';
export { type OnnxFormat, type OnnxType, onnxTypes } from './export/onnx/formats.ts';
export { loadRounded } from './export/onnx/rounded-model.ts';
export { writeOnnxCard } from './export/onnx-card.ts';
export {
  collect,
  type GeneratedSequence,
  type GenerateOptions,
  type GenerationResult,
  generate,
} from './generate.ts';
export {
  type FinishReason,
  type Generation,
  type GenerationChunk,
  type TokenReport,
  type TokenUsage,
  withChunks,
} from './generation.ts';
export { type DescribedModel, describeModel } from './models/describe-model.ts';
export {
  type ModelDescription,
  type ModelEvent,
  type ModelLease,
  ModelPool,
  type ModelPoolOptions,
  type ModelState,
  type ModelStatus,
} from './models/model-pool.ts';
export type { GenerationRequest } from './request.ts';
export type { PenaltyOptions } from './sampling/penalties.ts';
export type { DrawOptions } from './sampling/sampling.ts';
