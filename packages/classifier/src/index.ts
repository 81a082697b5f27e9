/**
 * Text classifiers trained with our engine: quality and safety, calibrated.
 *
 * @module @tunan/classifier
 */
export { type Classification, Classifier, type ClassifierConfig } from './classifier.ts';
export { ClassifierError } from './errors.ts';
export type { Example } from './example.ts';
export { qualityReportPage } from './quality/quality-report.ts';
export type { SourcedExample } from './quality/split-by-source.ts';
export { type QualityReport, type TrainAndTestOptions, trainAndTest } from './quality/train-and-test.ts';
export { seededRandom } from './random.ts';
export { type TrainClassifierOptions, trainClassifier } from './train-classifier.ts';
