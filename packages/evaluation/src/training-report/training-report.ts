/**
 * The report of a run: what the model needs for a character of held-out text beside the baselines, how the loss went, how its samples
 * end and repeat, and what all that means.
 */
import path from 'node:path';
import { generate } from '@tunan/inference';
import { LanguageModel } from '@tunan/model';
import { Tokenizer } from '@tunan/tokenizer';
import { type FinishedRun, lossCurve, readRun } from '@tunan/training';
import { evaluateBitsPerCharacter } from '../bits/model-bits.ts';
import { EvaluationError } from '../errors.ts';
import { readSplit, type ShardBaselines, shardBaselines } from '../ngram/shard-baselines.ts';
import { type CutText, firstPart, textTraits } from './sample-traits.ts';
import { judgeTraining, type TrainingFacts, type Verdict } from './verdicts.ts';

export interface TrainingReport {
  readonly directory: string;
  readonly run: FinishedRun;
  readonly facts: TrainingFacts;
  readonly answer: Verdict['grade'];
  readonly verdicts: readonly Verdict[];
  /** Some texts as the model writes them, from nothing. */
  readonly samples: readonly string[];
}

export type ReportStage = 'baselines' | 'bits' | 'samples';

export interface ReportOptions {
  readonly signal?: AbortSignal;
  readonly onStage?: (stage: ReportStage) => void;
}

/** Held-out characters that model and baselines are asked for. */
const EVALUATED_CHARACTERS = 60_000;
const SAMPLES = 32;
const SHOWN = 3;
const LONGEST_SAMPLE = 256;
const SEED = 1;

/**
 * @throws TrainingError where the directory holds no run or its shards are gone; EvaluationError where they have no validation split
 */
export async function reportTraining(directory: string, options: ReportOptions = {}): Promise<TrainingReport> {
  const { signal, onStage } = options;
  const run = readRun(directory);
  const tokenizer = Tokenizer.load(path.join(run.checkpoint, 'tokenizer.json'));
  const corpora = run.plan.data.map(({ corpus }) => corpus);
  const evaluated = readSplit(corpora, 'validation', tokenizer, EVALUATED_CHARACTERS);
  if (evaluated.texts.length === 0) throw noValidation(corpora[0]!);
  onStage?.('baselines');
  const baselines = await shardBaselines(corpora, evaluated, tokenizer, signal);
  using model = LanguageModel.load(run.checkpoint);
  onStage?.('bits');
  const bits = await evaluateBitsPerCharacter(model, tokenizer, evaluated.texts, signal && { signal });
  onStage?.('samples');
  const longest = Math.min(LONGEST_SAMPLE, run.plan.sequenceLength - 1);
  const samples = await drawSamples(model, tokenizer, longest, signal);
  const real = evaluated.texts.map((text, i) => firstPart(text, evaluated.lengths[i]!, longest));
  return judgeRun(directory, run, { modelBits: bits.bitsPerCharacter, baselines, samples, real });
}

/** What is measured of a finished run besides its log; by whoever has it already, or by `reportTraining`. */
export interface MeasuredRun {
  /** Bits per character, on the documents that the baselines were asked for. */
  readonly modelBits: number;
  readonly baselines: ShardBaselines;
  /** Written by the model from nothing, and real documents cut as short. */
  readonly samples: readonly CutText[];
  readonly real: readonly CutText[];
}

export function judgeRun(
  directory: string,
  run: FinishedRun,
  { modelBits, baselines, samples, real }: MeasuredRun,
): TrainingReport {
  const facts: TrainingFacts = {
    modelBits,
    baselines,
    curve: lossCurve(run.log, run.plan.optimizer.clip),
    validation: validationOf(run),
    promised: run.plan.promised,
    epochs: (run.log.at(-1)?.tokens ?? 0) / baselines.trainingTokens,
    done: run.step / run.plan.steps,
    samples: textTraits(samples),
    real: textTraits(real),
  };
  return { directory, run, facts, ...judgeTraining(facts), samples: samples.slice(0, SHOWN).map(({ text }) => text) };
}

/** Texts from nothing, drawn from the model's own distribution. */
async function drawSamples(
  model: LanguageModel,
  tokenizer: Tokenizer,
  longest: number,
  signal: AbortSignal | undefined,
): Promise<CutText[]> {
  const request = { prompts: [''], choices: SAMPLES, beginDocument: true, maxTokens: longest, seed: SEED };
  const options = { batchSize: SAMPLES, ...(signal && { signal }) };
  const { sequences } = await generate(model, tokenizer, { ...request, temperature: 1 }, options);
  return sequences.map(({ text, finishReason }) => ({ text, ended: finishReason === 'stop' }));
}

function validationOf({ log }: FinishedRun): TrainingFacts['validation'] {
  const losses = log.flatMap(({ evaluation }) => (evaluation === undefined ? [] : [evaluation.loss]));
  return losses.length === 0 ? undefined : { last: losses.at(-1)!, best: Math.min(...losses) };
}

function noValidation(corpus: string): EvaluationError {
  return new EvaluationError('EVALUATION_MISSING_DATA', {
    en: `${corpus} has no validation split to judge the run by: give the corpus recipe a share for validation and shard it again`,
    zh: `${corpus} 没有可供评判的验证集：请在语料配方中划出验证部分并重新生成分片`,
  });
}
