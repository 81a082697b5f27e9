/** A labelled text, as training and drawing see it. */
export interface Example {
  readonly text: string;
  readonly label: string;
  /** Where the text comes from; collections of all sizes are drawn from alike. */
  readonly source?: string;
}
