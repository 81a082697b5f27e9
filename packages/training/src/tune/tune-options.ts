/** What tuning is asked for. */

import type { Mesh } from '../parallel/mesh.ts';
import type { RunRecipe } from '../recipe/schema.ts';
import type { StepReport } from '../run/progress.ts';
import type { Resume } from '../run/run-directory.ts';
import type { Way } from '../run/tuned-files.ts';
import type { StartReport } from '../train.ts';
import type { ExampleCoder } from './encode-example.ts';
import type { ExampleSets } from './example-sets.ts';
import type { ReplayTexts } from './replay.ts';

export interface TuneOptions {
  /** Model directory. */
  readonly model: string;
  readonly sets: ExampleSets;
  /** Where they are from, said in errors. */
  readonly data: string;
  readonly coder: ExampleCoder;
  readonly way: Way;
  /** Of way lora; the recipe's defaults where absent. */
  readonly lora?: NonNullable<RunRecipe['lora']>;
  /** Of examples that are pairs of answers. */
  readonly preference?: NonNullable<RunRecipe['preference']>;
  readonly directory: string;
  /** tokenizer.json of the model. */
  readonly tokenizerFile?: string;
  /** To stand beside what comes out, where the model's own directory has none. */
  readonly chatTemplate?: string | undefined;
  readonly learningRate?: number | undefined;
  /** 'adamw' when absent; 'muon' steps the matrices of the blocks, or of the adapter, at a rate of its own. */
  readonly optimizer?: 'adamw' | 'muon' | undefined;
  readonly matrixLearningRate?: number | undefined;
  /** Run the blocks again in the backward pass: less memory for a third more time. */
  readonly recomputation?: boolean | undefined;
  /** Passes through the examples; with `minutes` at most so many. */
  readonly epochs?: number | undefined;
  /** What all of it may take on this machine, a short trial included: steps and rank follow from that. A run that goes on keeps them. */
  readonly minutes?: number | undefined;
  readonly onTrial?: (trial: Trial) => void;
  /** General text that is learnt beside the examples. */
  readonly replay?: ReplayTexts | undefined;
  /** Rows a step. */
  readonly batch?: number | undefined;
  readonly precision?: RunRecipe['precision'];
  readonly device?: RunRecipe['device'];
  /** The processes that tune together; this one alone when absent. All are given the same options but for the callbacks. */
  readonly mesh?: Mesh | undefined;
  /** How one copy of the model is laid over them. */
  readonly parallel?: RunRecipe['parallel'];
  readonly seed: number;
  readonly resume: Resume;
  readonly signal?: AbortSignal;
  readonly onStart?: (start: StartReport) => void;
  readonly onProgress?: (report: StepReport) => void;
}

/** What a trial on this machine says. */
export interface Trial {
  readonly minutes: number;
  /** Of the run. */
  readonly steps: number;
  /** Of the adapter; absent where all weights are tuned, or where it was given. */
  readonly rank?: number | undefined;
  /** Passes through the examples in so many steps. */
  readonly epochs: number;
  readonly secondsAStep: number;
  /** Padding is not counted. */
  readonly tokensPerSecond: number;
}
