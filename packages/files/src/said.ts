/** One thing said in both languages. Chinese sentences are whole: no English but names, fields and values. */
export interface Said {
  readonly en: string;
  readonly zh: string;
}
