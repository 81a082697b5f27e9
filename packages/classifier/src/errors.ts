/** Mistakes a user of classifiers can make or meet: one line each that says what is wrong and what to do. */

type ClassifierErrorCode =
  /** The examples cannot be learnt from: too few, one label only, an empty text. */
  | 'CLASSIFIER_EXAMPLES'
  /** An option has a value outside its range. */
  | 'CLASSIFIER_OPTION'
  /** The directory is missing or holds no classifier of ours, or a damaged one. */
  | 'CLASSIFIER_NOT_A_CLASSIFIER';

export class ClassifierError extends Error {
  override readonly name = 'ClassifierError';
  readonly userMistake = true;
  readonly code: ClassifierErrorCode;
  /** The message in Chinese; undefined where nobody has said it in Chinese. */
  readonly chinese: string | undefined;

  constructor(
    code: ClassifierErrorCode,
    message: string | { readonly en: string; readonly zh: string },
    options?: ErrorOptions,
  ) {
    super(typeof message === 'string' ? message : message.en, options);
    this.chinese = typeof message === 'string' ? undefined : message.zh;
    this.code = code;
  }
}
