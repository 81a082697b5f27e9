/**
 * The report of a run of tuning: how the loss went, what the model answers before and after beside each other, how often it is right on the
 * user's own questions beside answers that need no model, what it lost on general text, and what all that means.
 */

import { statSync } from 'node:fs';
import { generate } from '@tunan/inference';
import { Tokenizer } from '@tunan/tokenizer';
import {
  type ExampleCoder,
  lossCurve,
  type RowReader,
  readExamples,
  readTunedRun,
  shardsBehind,
  type TunedRun,
} from '@tunan/training';
import { evaluateBitsPerCharacter } from '../bits/model-bits.ts';
import { EvaluationError } from '../errors.ts';
import { readSplit } from '../ngram/shard-baselines.ts';
import { type Answerer, labelsOf, scoreAnswers } from './answer-scores.ts';
import { NearestExample } from './nearest-example.ts';
import { type Question, readQuestions, textsOf } from './questions.ts';
import { TunedModel } from './tuned-model.ts';
import type { GeneralText, TestScores, TuningFacts } from './tuning-facts.ts';
import { judgeTuning, type TuningVerdict } from './tuning-verdicts.ts';

export interface TuningReport {
  readonly directory: string;
  readonly run: TunedRun;
  readonly facts: TuningFacts;
  readonly answer: TuningVerdict['grade'];
  readonly verdicts: readonly TuningVerdict[];
  readonly samples: readonly ShownAnswer[];
}

export interface ShownAnswer {
  readonly asked: string;
  readonly wanted: string;
  readonly before: string;
  readonly after: string;
}

export type TuningStage = 'before' | 'after' | 'general';

export interface TuningReportOptions {
  /** Of the model that was tuned. */
  readonly coder: ExampleCoder;
  /** Questions of the user's own, in the form of examples. */
  readonly test?: string | undefined;
  /** Reads `test`; JSON lines where it is absent. */
  readonly read?: RowReader;
  /** Absent: the validation split of the shards that the model itself was trained on, where its directory lies in a run. */
  readonly general?: { readonly place: string; readonly texts: readonly string[] } | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onStage?: (stage: TuningStage) => void;
}

const SHOWN = 8;
const BATCH = 16;
const SEED = 1;
/** Characters of general text at most. */
const GENERAL_CHARACTERS = 20_000;
/** An answer may be so much longer than the longest wanted one. */
const SLACK = 1.5;

/** Undefined where the directory holds a run of another kind. @throws TrainingError, EvaluationError */
export async function reportTuning(directory: string, options: TuningReportOptions): Promise<TuningReport | undefined> {
  const run = readTunedRun(directory);
  if (run === undefined) return undefined;
  const { coder, test, onStage } = options;
  const { contextLength } = run.plan.model;
  const tokenizer = Tokenizer.load(run.plan.from!.directory);
  const heldOut = await readIfAny(run.heldOut, coder, contextLength);
  const tested = test === undefined ? [] : await readTest(test, coder, contextLength, options.read);
  const general = shortened(options.general ?? ownText(run.plan.from!.directory, tokenizer));
  if (options.general !== undefined && general === undefined) {
    const { place } = options.general;
    throw new EvaluationError('EVALUATION_EMPTY_TEXT', {
      en: `${place} has no text to measure on: give a text file, or a corpus with a validation split`,
      zh: `${place} 中没有可供测量的文本：请给出文本文件，或有验证集的语料`,
    });
  }
  const shown = (heldOut.length > 0 ? heldOut : tested).slice(0, SHOWN);
  /** Answers and bits of a model that is loaded for them alone. */
  const measure = async (open: () => TunedModel, stage: TuningStage, questions: readonly Question[]) => {
    onStage?.(stage);
    using opened = open();
    const answers = await answersOf(opened, tokenizer, questions, options.signal);
    if (general === undefined) return { answers, bits: undefined };
    onStage?.('general');
    const signal = options.signal && { signal: options.signal };
    return { answers, bits: await evaluateBitsPerCharacter(opened.model, tokenizer, general.texts, signal) };
  };
  const asked = [...shown, ...tested];
  const before = await measure(() => TunedModel.before(run), 'before', asked);
  const after = await measure(() => TunedModel.after(run, run.output), 'after', asked);
  const answers = new Map<Answerer, readonly string[]>([
    ['before', before.answers.slice(shown.length)],
    ['after', after.answers.slice(shown.length)],
  ]);
  if (tested.length > 0 && run.best !== undefined) {
    const { best } = run;
    using opened = TunedModel.after(run, best);
    answers.set('best', await answersOf(opened, tokenizer, tested, options.signal));
  }
  const facts: TuningFacts = {
    curve: lossCurve(run.log, run.plan.optimizer.clip),
    validation: validationOf(run),
    done: run.step / run.plan.steps,
    scores: tested.length === 0 ? undefined : await testScores(test!, tested, answers, run.trained),
    general:
      general &&
      ({
        place: general.place,
        characters: after.bits!.characters,
        before: before.bits!.bitsPerCharacter,
        after: after.bits!.bitsPerCharacter,
      } satisfies GeneralText),
    best: run.best,
  };
  const samples = shown.map(({ asked, wanted }, i) => ({
    ...{ asked, wanted },
    ...{ before: before.answers[i]!, after: after.answers[i]! },
  }));
  return { directory, run, facts, ...judgeTuning(facts), samples };
}

/** Greedy, so that both models are asked the same and answer the same again. */
async function answersOf(
  { model }: TunedModel,
  tokenizer: Tokenizer,
  questions: readonly Question[],
  signal: AbortSignal | undefined,
): Promise<string[]> {
  if (questions.length === 0) return [];
  const longest = Math.ceil(SLACK * Math.max(...questions.map(({ length }) => length))) + 2;
  const request = { prompts: questions.map(({ prompt }) => prompt), maxTokens: longest, temperature: 0, seed: SEED };
  const { sequences } = await generate(model, tokenizer, request, { batchSize: BATCH, ...(signal && { signal }) });
  return sequences.map(({ text }) => text);
}

/** Beside answers that need no model: the question itself, the answer of the nearest example, the most frequent label. */
async function testScores(
  file: string,
  questions: readonly Question[],
  models: ReadonlyMap<Answerer, readonly string[]>,
  trained: string,
): Promise<TestScores> {
  const examples = (await readExamples(trained)).flatMap(({ content }) => textsOf(content) ?? []);
  const labels = labelsOf(examples.map(({ wanted }) => wanted));
  const nearest = new NearestExample(examples.map(({ asked, wanted }) => ({ prompt: asked, answer: wanted })));
  const answers = new Map<Answerer, readonly string[]>([
    ...models,
    ['copy', questions.map(({ asked }) => asked)],
    ['nearest', questions.map(({ asked }) => nearest.answer(asked))],
  ]);
  if (labels !== undefined) answers.set('majority', Array<string>(questions.length).fill(labels[0]!));
  const wanted = questions.map((question) => question.wanted);
  return { file, questions: questions.length, labels, scores: scoreAnswers(wanted, answers) };
}

function validationOf({ log, before }: TunedRun): TuningFacts['validation'] {
  const steps = log.flatMap(({ step, tokens, evaluation }) =>
    evaluation === undefined ? [] : [{ step, tokens, loss: evaluation.loss }],
  );
  return steps.length === 0 ? undefined : { before, steps };
}

/** @throws EvaluationError where the context holds none of them */
async function readTest(
  file: string,
  coder: ExampleCoder,
  contextLength: number,
  read: RowReader | undefined,
): Promise<Question[]> {
  const questions = await readQuestions(file, coder, contextLength, read);
  if (questions.length > 0) return questions;
  throw new EvaluationError('EVALUATION_CONTEXT_TOO_SHORT', {
    en: `${file}: none of its questions fits into the context of ${contextLength} tokens`,
    zh: `${file}：没有一题放得进 ${contextLength} 个词元的上下文`,
  });
}

async function readIfAny(file: string, coder: ExampleCoder, contextLength: number): Promise<Question[]> {
  return statSync(file).size === 0 ? [] : await readQuestions(file, coder, contextLength);
}

/** Evenly chosen documents. */
function shortened(given: TuningReportOptions['general']): TuningReportOptions['general'] {
  if (given === undefined) return undefined;
  const texts: string[] = [];
  let left = GENERAL_CHARACTERS;
  const all = given.texts.filter((text) => text.trim() !== '');
  const characters = all.reduce((sum, text) => sum + text.length, 0);
  const step = Math.max(1, Math.floor(characters / GENERAL_CHARACTERS));
  for (let i = 0; i < all.length && left > 0; i += step) {
    texts.push(all[i]!.slice(0, left));
    left -= texts.at(-1)!.length;
  }
  return texts.length === 0 ? undefined : { place: given.place, texts };
}

function ownText(model: string, tokenizer: Tokenizer): TuningReportOptions['general'] {
  const shards = shardsBehind(model);
  if (shards.length === 0) return undefined;
  const { texts } = readSplit(shards, 'validation', tokenizer, GENERAL_CHARACTERS);
  return { place: shards.join(', '), texts };
}
