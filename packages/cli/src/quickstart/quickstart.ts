/**
 * The whole programme in small: raw text → clean corpus → tokenizer → token shards → trained model → scores and poems.
 * Reads top to bottom. Every stage recognises its finished work, so that a second run goes on where the first stopped.
 *
 * Does not serve; the command does, with the model directory that the summary names.
 */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { buildCorpus, labelOf, type Manifest, openCorpus, readRecipe, shardCorpus } from '@tunan/corpus';
import { type BaselineScores, evaluateBitsPerCharacter, scoreBaselinesInWorker } from '@tunan/evaluation';
import { makeFolder } from '@tunan/files';
import { LanguageModel } from '@tunan/model';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';
import type { TokensManifest } from '@tunan/tokenizer/shards';
import { type ChosenRun, chooseRun, type TrainResult, train } from '@tunan/training';
import { corpusSummary } from '../corpus-summary.ts';
import { CommandLineError } from '../errors.ts';
import { spoken, text } from '../language.ts';
import { percent } from '../progress.ts';
import { findRecipe } from '../recipes.ts';
import { findShippedModel, SHIPPED_MODEL } from '../shipped-model.ts';
import { BUILD_STAGES, TOKENIZER_STAGES } from '../stage-names.ts';
import { corpusFigures, trainingFigures, vocabularyFigures } from './figures.ts';
import { publish, readJson, writeJson } from './folder.ts';
import { judge } from './judge.ts';
import { writePoems } from './poems.ts';
import { Stages } from './stages.ts';
import type { QuickstartSummary } from './summary.ts';

/** Entries of the vocabulary: nine of ten characters are one token, and the output matrix stays small. */
const VOCABULARY = 6144;
const SEED = 1;
/** UTF-8 bytes of text that the vocabulary is learnt from: a ninth of tiny-poet gives the same but for one token in a thousand. */
const TOKENIZER_SAMPLE = 8 * 2 ** 20;
/** Seconds kept for what comes after training: evaluation, poems, baselines. */
const AFTER_TRAINING = 25;

export interface QuickstartOptions {
  /** Name or path of a corpus recipe. */
  readonly recipe: string;
  readonly directory: string;
  /** Of the whole run from raw text; training gets what the other stages leave. */
  readonly minutes: number;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
  /** Largest vocabulary; a small corpus cannot give more. */
  readonly vocabularySize?: number | undefined;
}

/**
 * @returns undefined when stopped by the signal; the checkpoint is saved and the same call goes on
 * @throws what the packages throw for bad input
 */
export async function quickstart(options: QuickstartOptions): Promise<QuickstartSummary | undefined> {
  const { directory, minutes, print } = options;
  const place = (...names: string[]) => path.join(directory, ...names);
  const run = place(`train-${minutes}min`);
  const summaryFile = place(`summary-${minutes}min.json`);
  const kept = readJson<QuickstartSummary>(summaryFile);
  // One of an older version lacks measures: they are made, the rest is found done.
  const finished = kept?.verdicts === undefined ? undefined : kept;
  const vocabularySize = options.vocabularySize ?? VOCABULARY;
  if (finished !== undefined) requireSame(finished, options.recipe, vocabularySize, directory);
  if (finished !== undefined && existsSync(finished.model.directory)) {
    print(text(`finished before; everything is in ${directory}`, `此前已完成，结果在 ${directory}`));
    publish(finished, directory);
    return finished;
  }
  makeFolder(directory);
  const stages = new Stages(print);

  const manifest = await stages.run('corpus', (progress) => corpusStage(options, place('corpus'), progress));
  for (const line of corpusSummary(manifest, labelOf)) print(`  ${line}`);
  const training = await textsOf(place('corpus'), 'train');
  const validation = await textsOf(place('corpus'), 'validation');

  const tokens = await tokensStages(stages, training, vocabularySize, place);
  const tokenizer = Tokenizer.load(place('tokenizer.json'));
  if (options.signal.aborted) return undefined;

  const chosen = await stages.run('choose', async (progress) =>
    chooseStage(
      place(`run-${minutes}min.json`),
      place('tokens'),
      tokens,
      minutes * 60 - stages.elapsedSeconds - AFTER_TRAINING,
      progress,
    ),
  );
  for (const line of candidateLines(chosen)) print(`  ${line}`);
  const trained = await stages.run('training', (progress) =>
    trainStage(options, chosen, run, place('tokenizer.json'), progress),
  );
  if (trained.status === 'stopped') return undefined;

  const modelDirectory = place(`model-${minutes}min`);
  using model = LanguageModel.load(trained.checkpoint);
  const measure = async () => {
    const bits = await stages.run('evaluation', (progress) =>
      evaluateBitsPerCharacter(model, tokenizer, validation, {
        signal: options.signal,
        onProgress: (done, total) => progress(percent(done, total)),
      }),
    );
    return { bits, ...(await stages.run('poems', () => writePoems(model, tokenizer, training, SEED))) };
  };
  // The baselines are one long sort on one core: nothing before needs them, and here they run beside the rest.
  const [{ bits, report: poems, free }, scores] = await Promise.all([
    measure(),
    baselineStage(place('baselines.json'), manifest, training, validation, options.signal),
  ]);
  const summary: QuickstartSummary = {
    recipe: options.recipe,
    minutes,
    ...corpusFigures(manifest),
    ...vocabularyFigures(tokens, vocabularySize),
    ...trainingFigures(chosen, trained.step, run, tokens.tokenizer.vocabularySize),
    model: { layers: chosen.chosen.layers, width: chosen.chosen.width, directory: modelDirectory },
    validation: { documents: tokens.splits.validation.documents, characters: bits.characters, model: bits, ...scores },
    poems,
    seconds: stages.seconds,
    ...(await besideShipped(model, tokenizer, validation)),
    verdicts: judge(run, { bits, scores, free, validation, tokens }),
  };
  model.save(modelDirectory, { tokenizerFile: place('tokenizer.json'), card: modelCard(summary) });
  writeJson(summaryFile, summary);
  publish(summary, directory);
  return summary;
}

/** Documents on which both models are measured: enough to tell them apart, and seconds of work. */
const COMPARED = 300;

/** The model of this run and the shipped one, where it is, over the same texts that neither was trained on. */
async function besideShipped(own: LanguageModel, tokenizer: Tokenizer, validation: readonly string[]) {
  const found = await findShippedModel();
  if (found === undefined) return {};
  const step = Math.max(1, validation.length / COMPARED);
  const texts = Array.from(
    { length: Math.min(COMPARED, validation.length) },
    (_, i) => validation[Math.floor(i * step)]!,
  );
  using model = LanguageModel.load(found.directory);
  const theirs = Tokenizer.load(path.join(found.directory, 'tokenizer.json'));
  return {
    shipped: {
      name: SHIPPED_MODEL,
      documents: texts.length,
      own: await evaluateBitsPerCharacter(own, tokenizer, texts),
      model: await evaluateBitsPerCharacter(model, theirs, texts),
    },
  };
}

/** A finished folder answers for one recipe and vocabulary; for another it is the wrong folder. */
function requireSame(finished: QuickstartSummary, recipe: string, vocabularySize: number, directory: string): void {
  if (finished.recipe === recipe && finished.askedVocabularySize === vocabularySize) return;
  const was = `${finished.recipe}, ${finished.askedVocabularySize}`;
  throw new CommandLineError(
    'CLI_OUTPUT',
    text(
      `${directory} holds a run of another recipe or vocabulary (${was}); choose another folder with --out`,
      `${directory} 中是另一配方或词表的结果（${was}）；请用 --out 另选目录`,
    ),
  );
}

type Progress = (line: string) => void;

async function corpusStage(options: QuickstartOptions, out: string, progress: Progress): Promise<Manifest> {
  const { manifest } = await buildCorpus(readRecipe(findRecipe('corpus', options.recipe)), {
    out,
    workers: availableParallelism(),
    onProgress: ({ stage, done, total, documents }) =>
      progress(`${BUILD_STAGES[stage]} ${percent(done, total)}  ${documents.toLocaleString('en')}`),
  });
  return manifest;
}

async function textsOf(directory: string, split: 'train' | 'validation'): Promise<string[]> {
  const texts: string[] = [];
  for await (const document of openCorpus(directory).documents(split)) texts.push(document.text);
  if (texts.length === 0) {
    const problem = text(
      `the ${split} split of ${directory} is empty: the recipe needs more documents or larger shares`,
      `${directory} 的 ${split} 部分为空：配方需要更多文本或更大的划分比例`,
    );
    throw new CommandLineError('CLI_EMPTY_SPLIT', problem);
  }
  return texts;
}

/** Kept, as they depend on the corpus alone. */
async function baselineStage(
  file: string,
  manifest: Manifest,
  training: string[],
  evaluated: string[],
  signal: AbortSignal,
): Promise<BaselineScores> {
  const corpus = manifest.inputsSha256 + manifest.recipeSha256;
  const kept = readJson<{ corpus: string; scores: BaselineScores }>(file);
  if (kept?.corpus === corpus) return kept.scores;
  const scores = await scoreBaselinesInWorker({ training, evaluated }, signal);
  writeJson(file, { corpus, scores });
  return scores;
}

async function tokensStages(
  stages: Stages,
  training: string[],
  vocabularySize: number,
  place: (name: string) => string,
): Promise<TokensManifest> {
  await stages.run('tokenizer', (progress) =>
    tokenizerStage(place('tokenizer.json'), training, vocabularySize, progress),
  );
  return await stages.run('tokens', (progress) =>
    tokenStage(place('corpus'), place('tokenizer.json'), place('tokens'), progress),
  );
}

async function tokenizerStage(
  file: string,
  training: string[],
  vocabularySize: number,
  progress: Progress,
): Promise<void> {
  if (existsSync(file)) return;
  const trained = await trainBpe(training, {
    vocabularySize,
    sampleBytes: TOKENIZER_SAMPLE,
    seed: SEED,
    onProgress: ({ stage, done, total }) =>
      progress(`${TOKENIZER_STAGES[stage]} ${total === undefined ? done : percent(done, total)}`),
  });
  Tokenizer.fromFile(trained).save(file);
}

async function tokenStage(
  corpus: string,
  tokenizerFile: string,
  out: string,
  progress: Progress,
): Promise<TokensManifest> {
  const { tokens } = await shardCorpus(corpus, {
    tokenizerFile,
    out,
    workers: availableParallelism(),
    onProgress: ({ done, total }) => progress(percent(done, total)),
  });
  return tokens;
}

/** Measured once: a run that is gone on with keeps its size and steps. */
function chooseStage(
  file: string,
  tokensDirectory: string,
  tokens: TokensManifest,
  seconds: number,
  progress: Progress,
): ChosenRun {
  const kept = readJson<ChosenRun>(file);
  if (kept !== undefined) return kept;
  const request = {
    tokens: tokensDirectory,
    trainingTokens: tokens.splits.train.tokens,
    vocabularySize: tokens.tokenizer.vocabularySize,
    seconds: Math.max(1, seconds),
    seed: SEED,
  };
  const chosen = chooseRun(request, ({ layers, width }) => progress(`${layers} x ${width}`));
  writeJson(file, chosen);
  return chosen;
}

async function trainStage(
  options: QuickstartOptions,
  chosen: ChosenRun,
  directory: string,
  tokenizerFile: string,
  progress: Progress,
): Promise<TrainResult> {
  const { progressLine } = await import('@tunan/training');
  return await train({
    recipe: chosen.recipe,
    directory,
    resume: 'if-present',
    tokenizerFile,
    gemmPeak: chosen.gemmPeak,
    signal: options.signal,
    onProgress: (report) => progress(spoken(progressLine(report))),
  });
}

function candidateLines({ candidates, chosen, precision, gemmPeak }: ChosenRun): string[] {
  return [
    text(
      `${precision}, GEMM peak ${(gemmPeak / 1e9).toFixed(0)} GFLOP/s; sizes tried, with the loss that the fit promises:`,
      `${precision}，矩阵乘峰值 ${(gemmPeak / 1e9).toFixed(0)} GFLOP/s；试过的规模与拟合预期：`,
    ),
    ...candidates.map(
      ({ layers, width, parameters, tokensPerSecond, promised }) =>
        `${layers === chosen.layers && width === chosen.width ? '→' : ' '} ${String(layers).padStart(2)} x ${width}  ${(parameters / 1e6).toFixed(1).padStart(5)} M  ${Math.round(tokensPerSecond).toLocaleString('en').padStart(8)} ${text('tokens/s', '词元/秒')}  ${promised.toFixed(2)} ${text('bits a character', '比特/字')}`,
    ),
  ];
}

/** What the model card says beside the sizes. */
function modelCard({
  recipe,
  trainedTokens,
  trainingSeconds,
  validation: { model, unigram, ngram },
}: QuickstartSummary): string {
  return [
    '## Training',
    `Made by \`tunan quickstart\` from the corpus recipe \`${recipe}\`: ${(trainedTokens / 1e6).toFixed(1)} M tokens in ${Math.round(trainingSeconds)} s on a CPU.`,
    '',
    '## Validation',
    '| | bits per character |',
    '|---|---|',
    `| this model | ${model.bitsPerCharacter.toFixed(3)} |`,
    `| unigram | ${unigram.bitsPerCharacter.toFixed(3)} |`,
    `| Kneser-Ney ${ngram.order}-gram | ${ngram.bitsPerCharacter.toFixed(3)} |`,
  ].join('\n');
}
