/** Text classifiers trained with our engine: quality and safety, calibrated. */
export { type Classification, Classifier, type ClassifierConfig } from './classifier.ts';
export { ClassifierError } from './errors.ts';
export { type Example, type TrainClassifierOptions, trainClassifier } from './train-classifier.ts';
