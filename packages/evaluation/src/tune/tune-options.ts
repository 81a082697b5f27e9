/** What tuning a model on a task takes. */
import type { ModelOptions } from '@tunan/model';
import type { Split } from '../result.ts';
import type { EpochReport, TuningSettings } from './fine-tune.ts';

type Learning = Pick<TuningSettings, 'epochs' | 'patience' | 'batch' | 'rates' | 'seed' | 'signal'>;

export interface TuneOptions extends Learning, ModelOptions {
  /** Official splits to train on; all five when absent. */
  readonly splits?: readonly Split[] | undefined;
  /** What is answered; `test_public` when absent. */
  readonly set?: string | undefined;
  /** Test examples at most, drawn by the seed as in prompting. */
  readonly limit?: number | undefined;
  /** Answer `test` too, which has no labels, for the leaderboard. */
  readonly submit?: boolean | undefined;
  /** Tokens of a sequence at most; 512 when absent, never more than the model's context. */
  readonly maxTokens?: number;
  /** Where finished splits are kept; an interrupted run goes on from there. Nothing is kept when absent. */
  readonly keep?: { readonly directory: string; readonly modelIdentity: string };
  /** Before anything is trained: the most seconds that all of it may take. */
  readonly onEstimate?: (seconds: number) => void;
  readonly onEpoch?: (split: Split, report: EpochReport) => void;
}
