/**
 * Training runs: recipe, loop, data order, checkpoints that a run goes on from to the last bit, log.
 *
 * @module @tunan/training
 */

export type { TrainingErrorCode } from './errors.ts';
/** @public */
export { TrainingError } from './errors.ts';
export { launch, tellLauncher } from './parallel/launch.ts';
export { Mesh } from './parallel/mesh.ts';
/** @public */
export { type MeshShape, meshOf } from './parallel/mesh-shape.ts';
export {
  type Candidate,
  type ChosenRun,
  chooseRun,
  type RunRequest,
  shareOfPeak,
} from './planner/model-size.ts';
export { type LawFit, type LawPoint, lossOf, type ScalingLaw } from './planner/scaling-law.ts';
export {
  type SizedCandidate,
  type SizedRun,
  type SizingProgress,
  type SizingRequest,
  sizeRun,
} from './planner/sizing.ts';
export { fittingRanks } from './recipe/parallel-plan.ts';
export type { InitialWeights, RunPlan, TaskEvaluation } from './recipe/plan.ts';
export { readRunRecipe } from './recipe/read.ts';
export type { BatchSchedule, LearningRateSchedule } from './recipe/schedule.ts';
export { type RunRecipe, recipeSchema as runRecipeSchema } from './recipe/schema.ts';
export { type CurvePoint, type LossCurve, type LossSpike, lossCurve } from './report/loss-curve.ts';
export { type FinishedRun, readRun, readTunedRun, shardsBehind, type TunedRun } from './report/read-run.ts';
export { ProgressPrinter, type ProgressStream, progressLine, type StepReport } from './run/progress.ts';
export type { Resume } from './run/run-directory.ts';
export type { Evaluation, LogLine, StepTimes } from './run/run-log.ts';
export { readRunLog } from './run/run-log.ts';
export type { Way } from './run/tuned-files.ts';
export type { StartReport, TaskScorer, TaskSuites, TrainOptions, TrainResult } from './train.ts';
export { train } from './train.ts';
export { type EncodedExample, type ExampleCoder, encodeExample, showExample } from './tune/encode-example.ts';
export { type ExampleSets, type ExampleSetsOptions, prepareExamples, type SetCounts } from './tune/example-sets.ts';
export { type ExampleContent, type ExampleRow, type Message, type RowReader, readExamples } from './tune/examples.ts';
export type { ReplayTexts } from './tune/replay.ts';
export { type TuneResult, tune } from './tune/tune.ts';
export type { Trial, TuneOptions } from './tune/tune-options.ts';
