import type { SourcedExample } from '@tunan/classifier';

/** A line of the labels that build-labels.ts makes. */
export interface LabelledDocument extends SourcedExample {
  readonly genre?: string;
}
