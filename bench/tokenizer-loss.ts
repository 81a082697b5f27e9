/**
 * Which size of vocabulary costs least a character? A proxy model of one shape is trained with each on the same characters of a corpus and
 * measured in bits per character on its validation split, which no vocabulary changes. A larger vocabulary makes fewer tokens of a text and
 * a larger output matrix: parameters, tokens and seconds stand beside the bits, since at equal time the order may be another.
 *
 *   node bench/tokenizer-loss.ts --corpus DIR --out DIR [--sizes 8192,12288,16384,24576,30720] [--characters 20000000]
 *     [--layers 4 --width 192] [--documents 300] [--seeds 1]
 *
 * Each size costs one training of `characters`; what is finished is found in OUT and not done again. On two cores a proxy of 3 M parameters
 * takes an hour for 20 M characters: run it alone.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openCorpus, shardCorpus } from '@tunan/corpus';
import { evaluateBitsPerCharacter } from '@tunan/evaluation';
import { makeFolder, writeWhole } from '@tunan/files';
import { LanguageModel, sizesOf } from '@tunan/model';
import { Tokenizer, trainBpe } from '@tunan/tokenizer';
import { train } from '@tunan/training';

const { values } = parseArgs({
  options: {
    corpus: { type: 'string' },
    out: { type: 'string' },
    sizes: { type: 'string', default: '8192,12288,16384,24576,30720' },
    characters: { type: 'string', default: '20000000' },
    layers: { type: 'string', default: '4' },
    width: { type: 'string', default: '192' },
    documents: { type: 'string', default: '300' },
    seeds: { type: 'string', default: '1' },
  },
});
const { corpus, out } = values;
if (corpus === undefined || out === undefined) throw new Error('give --corpus DIR and --out DIR');
const [characters, documents] = [Number(values.characters), Number(values.documents)];

const CONTEXT = 256;
const BATCH = 16;
/** UTF-8 bytes that a vocabulary is learnt from. */
const SAMPLE = 64 * 2 ** 20;

interface Row {
  readonly vocabulary: number;
  readonly seed: number;
  readonly parameters: number;
  readonly charactersPerToken: number;
  readonly tokens: number;
  readonly seconds: number;
  readonly bitsPerCharacter: number;
}

async function texts(split: 'train' | 'validation', most: number): Promise<string[]> {
  const found: string[] = [];
  for await (const { text } of openCorpus(corpus!).documents(split)) if (found.push(text) >= most) break;
  return found;
}

/** @returns the tokenizer's file, and characters of the train split for each of its tokens */
async function tokensOf(vocabulary: number): Promise<{ file: string; tokens: string; charactersPerToken: number }> {
  const folder = path.join(out!, String(vocabulary));
  makeFolder(folder);
  const file = path.join(folder, 'tokenizer.json');
  if (!existsSync(file)) {
    const training = await texts('train', Number.POSITIVE_INFINITY);
    const trained = await trainBpe(training, { vocabularySize: vocabulary, sampleBytes: SAMPLE, seed: 1 });
    Tokenizer.fromFile(trained).save(file);
  }
  const tokens = path.join(folder, 'tokens');
  const { tokens: made } = await shardCorpus(corpus!, { tokenizerFile: file, out: tokens, workers: 2 });
  const { characters: all } = openCorpus(corpus!).manifest.splits.train;
  return { file, tokens, charactersPerToken: all / made.splits.train.tokens };
}

async function measure(vocabulary: number, seed: number): Promise<Row> {
  const { file, tokens, charactersPerToken } = await tokensOf(vocabulary);
  const steps = Math.ceil(characters / charactersPerToken / (CONTEXT * BATCH));
  const [layers, width] = [Number(values.layers), Number(values.width)];
  const start = performance.now();
  const result = await train({
    recipe: {
      model: { family: 'llama', contextLength: CONTEXT, layers, width, heads: Math.max(1, width / 64), initStd: 0.052 },
      data: [{ corpus: tokens }],
      sequenceLength: CONTEXT,
      microBatch: BATCH,
      globalBatch: BATCH,
      steps,
      optimizer: {
        kind: 'muon',
        learningRate: 0.004,
        matrixLearningRate: 0.02,
        warmupSteps: Math.min(100, Math.ceil(steps / 10)),
        decay: 'trapezoid',
        weightDecay: 0.1,
      },
      precision: 'auto',
      seed,
      checkpoint: { every: 1000, keep: 1 },
    },
    directory: path.join(out!, String(vocabulary), `run-${seed}`),
    resume: 'if-present',
    tokenizerFile: file,
  });
  if (result.status === 'stopped') throw new Error('stopped; the same command goes on');
  const seconds = (performance.now() - start) / 1000;
  using model = LanguageModel.load(result.checkpoint);
  const held = await texts('validation', documents);
  const { bitsPerCharacter } = await evaluateBitsPerCharacter(model, Tokenizer.load(file), held);
  const parameters = sizesOf(model.config).parameters.total;
  return {
    vocabulary,
    seed,
    parameters,
    charactersPerToken,
    tokens: steps * CONTEXT * BATCH,
    seconds,
    bitsPerCharacter,
  };
}

const rows: Row[] = [];
for (const vocabulary of values.sizes.split(',').map(Number)) {
  for (let seed = 1; seed <= Number(values.seeds); seed++) {
    makeFolder(out);
    const file = path.join(out, `${vocabulary}-${seed}.json`);
    const row = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Row) : await measure(vocabulary, seed);
    writeWhole(file, `${JSON.stringify(row)}\n`);
    rows.push(row);
  }
}
process.stdout.write('| vocabulary | seed | M parameters | characters a token | M tokens | s | bits per character |\n');
process.stdout.write('|---|---|---|---|---|---|---|\n');
for (const row of rows) {
  const cells = [
    row.vocabulary,
    row.seed,
    (row.parameters / 1e6).toFixed(1),
    row.charactersPerToken.toFixed(3),
    (row.tokens / 1e6).toFixed(1),
    Math.round(row.seconds),
    row.bitsPerCharacter.toFixed(4),
  ];
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}
