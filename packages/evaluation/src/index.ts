/** @packageDocumentation Bits per character, n-gram baselines, and form and theme of generated poems. */

export { type BaselineRequest, type BaselineScores, scoreBaselines, scoreBaselinesInWorker } from './baselines.ts';
export { type BitsPerCharacter, bitsPerCharacter, characterBits } from './bits-per-character.ts';
export { type CharacterNgram, type CharacterNgramOptions, trainCharacterNgram } from './character-ngram.ts';
export { type Comparison, compareEvaluations, type TaskComparison } from './compare.ts';
export { type EndpointOptions, EndpointScorer } from './endpoint/endpoint-scorer.ts';
export { EvaluationError, type EvaluationErrorCode } from './errors.ts';
export { evaluateBitsPerCharacter, type ModelBits } from './model-bits.ts';
export {
  type PoemSample,
  type PoemStudy,
  type PoemStudyOptions,
  studyPoems,
  type ThemeContrast,
} from './poem-study.ts';
export { parseQuatrain, type Quatrain } from './quatrain.ts';
export {
  type AblationCell,
  type Evaluation,
  readEvaluation,
  type StoredEvaluation,
  writeEvaluation,
} from './report/results-folder.ts';
export type { EvaluationSummary, MeanSummary, TaskSummary } from './report/summary.ts';
export { SUBMISSION_FILE, type SubmissionPart, writeSubmission } from './submission.ts';
export { ThemeAssociation, type TitledPoem, themeOverlap } from './theme-overlap.ts';
export { POEM_THEMES, SHOWN_THEMES } from './themes.ts';
export { type TokenLossOptions, tokenLosses } from './token-losses.ts';
export { type TunedTask, type TuneOptions, tuneTask } from './tune/tune-task.ts';
