/**
 * ZeroCLUE and FewCLUE, perplexity, n-gram baselines, and form and theme of generated poems.
 *
 * @module @tunan/evaluation
 */

export { type AppMeasurement, type MeasureOptions, measureApp } from './apps/measure-app.ts';
export { type BitsPerCharacter, bitsPerCharacter } from './bits/bits-per-character.ts';
export { evaluateBitsPerCharacter, type ModelBits } from './bits/model-bits.ts';
export { type TokenLossOptions, tokenLosses } from './bits/token-losses.ts';
export type { Calibration, Normalisation } from './calibration.ts';
export { type EndpointOptions, EndpointScorer } from './endpoint/endpoint-scorer.ts';
export { EvaluationError, type EvaluationErrorCode } from './errors.ts';
export { type EvaluatedTask, type EvaluateOptions, type EvaluationProgress, evaluateTasks } from './evaluate-tasks.ts';
export type { ShotChoice } from './few-shot/choose-examples.ts';
export { type FittedPrompt, fitPrompt } from './few-shot/fit-prompt.ts';
export { type Expansion, type LabelWords, labelWords } from './label-expansion.ts';
export { type BaselineRequest, type BaselineScores, scoreBaselinesInWorker } from './ngram/baselines.ts';
export {
  joinedBits,
  type KindedText,
  modelBitsByKind,
  ngramBitsByKind,
  type StoredBits,
} from './ngram/bits-by-kind.ts';
export { CharacterNgram } from './ngram/character-ngram.ts';
export { CharacterTextReader } from './ngram/character-text.ts';
export {
  bitsOfLoss,
  readSplit,
  type ShardBaselines,
  type ShardTexts,
  shardBaselines,
} from './ngram/shard-baselines.ts';
export {
  type PoemSample,
  type PoemStudy,
  type PoemStudyOptions,
  studyPoems,
  type ThemeContrast,
} from './poems/poem-study.ts';
export { type RegularShare, regularShare } from './poems/regular-share.ts';
export { ThemeAssociation, type TitledPoem } from './poems/theme-overlap.ts';
export { POEM_THEMES, SHOWN_THEMES } from './poems/themes.ts';
export { type Comparison, compareEvaluations, type SettingDifference, type TaskComparison } from './report/compare.ts';
export type { AblationCell, Evaluation } from './report/evaluation.ts';
export { notesOf } from './report/notes.ts';
export { publishedRows } from './report/published.ts';
export { readEvaluation, type StoredEvaluation } from './report/results-folder.ts';
export type { Sample, ShownPrompt } from './report/samples.ts';
export type { EvaluationSummary, MeanSummary, TaskSummary } from './report/summary.ts';
export type { EvaluationSettings, GivenSettings, Overlap, Split, TaskResult } from './result.ts';
export {
  checkSafety,
  type Rate,
  type SafetyCorpus,
  type SafetyOptions,
  type SafetyReport,
  type SafetyStage,
} from './safety/check-safety.ts';
export { addToModelCard } from './safety/safety-card.ts';
export { LocalScorer } from './scoring/local-scorer.ts';
export { modelIdentity } from './scoring/model-identity.ts';
export type { Candidate, CandidateScore, ScoreRequest, Scorer } from './scoring/scorer.ts';
export { type MadeStudy, makeStudy, type NewStudyOptions, type NewStudyStage } from './study/new-study.ts';
export { type JudgedStudy, type Judgement, readStudy } from './study/read-judgements.ts';
export { studyCsv } from './study/study-csv.ts';
export { studyPage } from './study/study-page.ts';
export { type Accuracy, inattentive, reportStudy, type StudyReport } from './study/study-report.ts';
export { studyVerdicts } from './study/study-verdicts.ts';
export { type OpenedEndpoint, type OpenedModel, openEndpoint, openModel } from './suite/opened-model.ts';
export { type RunSuiteOptions, runSuite, type Shard, scoreShard } from './suite/run-suite.ts';
export { scoreInTraining } from './suite/score-in-training.ts';
export { type RunShardsOptions, reportProgress, runShards, type ShardProgress } from './suite/shards.ts';
export { clueSuite, poemSuite, type Suite } from './suite/suite.ts';
export type { SuiteOptions, SuiteResults } from './suite/suite-results.ts';
export { type TuneSuiteOptions, tuneSuite } from './suite/tune-suite.ts';
export { poemLines } from './tasks/poem-lines.ts';
export { clueTasks } from './tasks/suites.ts';
export type { Example, Task, Template } from './tasks/task.ts';
export { folderData, readTaskData, type TaskData } from './tasks/task-data.ts';
export { taskFileSchema } from './tasks/task-file-schema.ts';
export { planPage } from './training-report/plan-page.ts';
export { type CutText, firstPart } from './training-report/sample-traits.ts';
export { sizingPage } from './training-report/sizing-page.ts';
export { ANSWERS, SIGNS, trainingPage } from './training-report/training-page.ts';
export { judgeRun, type ReportStage, reportTraining, type TrainingReport } from './training-report/training-report.ts';
export type { TrainingFacts, Verdict } from './training-report/verdicts.ts';
export type { AnswerScores } from './tuning-report/answer-scores.ts';
export { TUNING_ANSWERS, tuningMarkdown, tuningPage } from './tuning-report/tuning-page.ts';
export { reportTuning, type TuningReport, type TuningStage } from './tuning-report/tuning-report.ts';
