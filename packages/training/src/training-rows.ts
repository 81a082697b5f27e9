/** What the training loop asks of data, whatever they are: rows by number, their names, and the loss on what is held out. */

import type { LanguageModel } from '@tunan/model';
import type { Tensor } from '@tunan/torch';
import type { RowCounts } from './data/document-rows.ts';
import type { StepRow } from './data/step-rows.ts';
import type { Mesh } from './parallel/mesh.ts';
import type { Way } from './parallel/passage.ts';
import type { Evaluation } from './run/run-log.ts';

/** Which data they are: a checkpoint remembers it. */
export interface DataPrint {
  /** Said in errors: directory or file. */
  readonly place: string;
  readonly documents: number;
  readonly tokens: number;
  readonly sha256: string;
}

/** The loss of rows that went through the model together; hidden (B, T, C). */
export type RowObjective = (model: LanguageModel, hidden: Tensor, rows: readonly StepRow[]) => ObjectiveLoss;

export interface ObjectiveLoss {
  /** A scalar whose gradient is that of the mean loss. */
  readonly gradient: Tensor;
  /** Means over what counts. */
  readonly loss: number;
  readonly measures: Readonly<Record<string, number>>;
}

export interface TrainingRows {
  /** Of the sources, in logs. */
  readonly names: readonly string[];
  /** Of each source. */
  readonly prints: readonly DataPrint[];
  /** What becomes of the documents of each source in an epoch; empty where they are laid end to end. */
  readonly counts: readonly RowCounts[];
  /** Rows from number `first` on: a function of the plan and the number alone. */
  rows(first: number, count: number): StepRow[];
  /** What is minimised in place of the cross-entropy of the targets. */
  readonly objective?: RowObjective | undefined;
  /**
   * Mean loss on what is held out; undefined where the signal ended it.
   * @param mesh the processes that may divide it among them
   */
  evaluate(way: Way, signal?: AbortSignal, mesh?: Mesh): Promise<Evaluation | undefined>;
}
