/** Mistakes a user of classifiers can make or meet: one line each that says what is wrong and what to do. */
import { UserMistake } from '@tunan/files';

type ClassifierErrorCode =
  /** The examples cannot be learnt from: too few, one label only, an empty text. */
  | 'CLASSIFIER_EXAMPLES'
  /** An option has a value outside its range. */
  | 'CLASSIFIER_OPTION'
  /** The directory is missing or holds no classifier of ours, or a damaged one. */
  | 'CLASSIFIER_NOT_A_CLASSIFIER';

export class ClassifierError extends UserMistake<ClassifierErrorCode> {}
