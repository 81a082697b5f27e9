/**
 * What a task is: how a line of its data becomes an example, the words of its labels, its prompt templates, and how its
 * predictions are handed in. A task is data and two small functions; it knows neither models nor files.
 *
 * A template is one line of text. `{name}` stands for a field of the example, `{label}` for a word of a label, and square
 * brackets enclose what is scored, the rest being given:
 *
 *     {sentence}。这条评论是[{label}]的。         label words at a position: the word alone is scored
 *     {sentence1}？{label}，[{sentence2}]         sentence loss: the text behind each label's word is scored
 *     [{before}{label}{after}]                    sentence loss of the whole
 *
 * One mark stands between a text and the template: behind a sentence that has its end no second full stop is put, and any other
 * mark of the template takes the place of the text's own (template.ts).
 *
 * What stands behind the scored text is not shown to the model, but is part of the solved examples of a few-shot prompt.
 */

export interface Example {
  /** As in the data; undefined stands for a line of the training set without one. */
  readonly id: string | number | undefined;
  /** The texts that templates may name. */
  readonly fields: Readonly<Record<string, string>>;
  /** Key of the right label; undefined in a set without labels. */
  readonly gold: string | undefined;
  /** Words of the labels of this example alone, where they are not the task's: the idioms of CHID, a choice of lines. */
  readonly choices?: Readonly<Record<string, readonly string[]>>;
}

export interface Template {
  /** Unique in its task. */
  readonly name: string;
  /** Raised whenever the text or the words change, so that scores of different wordings are never compared as one. */
  readonly version: number;
  readonly text: string;
  /** Words that this template needs instead of the task's, by key of the label. */
  readonly words?: Readonly<Record<string, readonly string[]>>;
}

/** A field that may be shortened where the prompt does not fit into the context, and the end at which it is cut. */
export interface Cut {
  readonly field: string;
  readonly at: 'start' | 'end';
}

export interface Submission {
  /** Name in the zip, with `{split}` where a split's number may stand: `eprstmt_predict{split}.json`. */
  readonly file: string;
  /** One line of the file, the key order of the official example kept. */
  line(id: string | number, label: string): Readonly<Record<string, string | number>>;
}

export interface Task {
  /** Name on the command line and folder of the data. */
  readonly name: string;
  /** For tables: `EPRSTMT`. */
  readonly title: string;
  /** Keys of all labels, in the order of the tables. */
  readonly labels: readonly string[];
  /**
   * Words of each label, by key; the first stands for it where labels are not expanded. Absent where every example brings
   * its own choices.
   */
  readonly words?: Readonly<Record<string, readonly string[]>>;
  /** At least two; the first is the default. */
  readonly templates: readonly Template[];
  /**
   * Content-free prompts of the calibration: each names the fields it replaces, and what by. Fields that it does not name
   * stay the example's.
   */
  readonly contentFree: readonly Readonly<Record<string, string>>[];
  /** In the order in which they are cut; only what stands here is ever cut. */
  readonly cuts: readonly Cut[];
  readonly metric: 'accuracy';
  /** The pattern for training (`--tune`): as a template, without brackets. */
  readonly tuning?: Template;
  readonly submission?: Submission;
  /** @throws Error saying what is wrong with the line, in one clause; the caller adds file and line */
  read(line: unknown): Example;
}
