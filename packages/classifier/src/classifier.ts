/**
 * A linear classifier over hashed character n-grams, with calibrated probabilities. Trained with libtorch (train-classifier.ts),
 * applied in plain TypeScript: no engine is loaded, a text of 5 000 characters takes well under two milliseconds.
 *
 * On disk: model.safetensors (`weight` (F, C), `bias` (C), float32; F buckets, C labels) and config.json, which is written last:
 * a directory that has one is whole.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { makeFolder, removeFile, writeWhole } from '@tunan/files';
import { z } from 'zod';
import type { Correction } from './calibration.ts';
import { ClassifierError } from './errors.ts';
import { FeatureExtractor } from './features.ts';
import { softmax } from './softmax.ts';
import { readWeights, writeWeights } from './weights-file.ts';

const configSchema = z.strictObject({
  format: z.literal('tunan-classifier-1'),
  labels: z.array(z.string().min(1)).min(2),
  maxOrder: z.int().min(1).max(8),
  bucketBits: z.int().min(8).max(24),
  maxCharacters: z.int().min(16).max(1_000_000),
  /** Logits are divided by it before the softmax; chosen on the validation set. */
  temperature: z.number().positive(),
  /** A text is taken for one of these labels where its probability reaches the threshold chosen on the validation set. */
  thresholds: z.record(z.string(), z.number().min(0).max(1)),
});

export type ClassifierConfig = z.infer<typeof configSchema>;

export interface Classification {
  /** The most probable label. */
  readonly label: string;
  /** In the order of `config.labels` by key; they sum to one. */
  readonly probabilities: Readonly<Record<string, number>>;
}

const CONFIG = 'config.json';
const WEIGHTS = 'model.safetensors';

export class Classifier {
  readonly config: ClassifierConfig;
  readonly #weight: Float32Array; // (F, C)
  readonly #bias: Float32Array; // (C)
  readonly #extractor: FeatureExtractor;

  /** @param weight (F, C) row by row @param bias (C) */
  constructor(config: ClassifierConfig, weight: Float32Array, bias: Float32Array) {
    this.config = config;
    this.#weight = weight;
    this.#bias = bias;
    this.#extractor = new FeatureExtractor(config);
  }

  /** @throws ClassifierError CLASSIFIER_NOT_A_CLASSIFIER where the directory holds none, or a damaged one. */
  static load(directory: string): Classifier {
    const config = readConfig(path.join(directory, CONFIG));
    const file = path.join(directory, WEIGHTS);
    const weights = readWeights(file);
    const take = (name: string, shape: readonly number[]): Float32Array => {
      const found = weights.get(name);
      if (found?.shape.join() === shape.join()) return found.values;
      const problem = `${file} holds no ${name} of shape (${shape.join(', ')}) as config.json promises`;
      throw new ClassifierError('CLASSIFIER_NOT_A_CLASSIFIER', `${problem}; train or copy the classifier again`);
    };
    const labels = config.labels.length;
    return new Classifier(config, take('weight', [2 ** config.bucketBits, labels]), take('bias', [labels]));
  }

  /** @throws WriteError; an earlier classifier there is then no longer loadable, rather than mixed. */
  save(directory: string): void {
    makeFolder(directory);
    removeFile(path.join(directory, CONFIG));
    const { labels, bucketBits } = this.config;
    writeWeights(
      path.join(directory, WEIGHTS),
      new Map([
        ['weight', { shape: [2 ** bucketBits, labels.length], values: this.#weight }],
        ['bias', { shape: [labels.length], values: this.#bias }],
      ]),
    );
    writeWhole(path.join(directory, CONFIG), `${JSON.stringify(this.config, undefined, 2)}\n`);
  }

  /** The same weights with other thresholds. */
  withThresholds(thresholds: ClassifierConfig['thresholds']): Classifier {
    return new Classifier({ ...this.config, thresholds }, this.#weight, this.#bias);
  }

  /** The same weights, corrected; the shifts become part of the bias. */
  corrected({ temperature, shifts }: Correction): Classifier {
    const bias = this.#bias.map((value, label) => value + temperature * shifts[label]!);
    return new Classifier({ ...this.config, temperature }, this.#weight, bias);
  }

  classify(texts: readonly string[]): Classification[] {
    return texts.map((text) => this.#classification(this.logits(text)));
  }

  /** Scores before temperature and softmax, in the order of the labels. */
  logits(text: string): Float64Array {
    const { buckets, weights } = this.#extractor.extract(text);
    const weight = this.#weight;
    const labels = this.config.labels.length;
    const sums = Float64Array.from(this.#bias);
    for (let i = 0; i < buckets.length; i++) {
      const row = buckets[i]! * labels;
      const share = weights[i]!;
      for (let c = 0; c < labels; c++) sums[c]! += share * weight[row + c]!;
    }
    return sums;
  }

  #classification(logits: Float64Array): Classification {
    const { labels, temperature } = this.config;
    const probabilities = softmax(logits, temperature);
    const best = probabilities.indexOf(Math.max(...probabilities));
    return {
      label: labels[best]!,
      probabilities: Object.fromEntries(labels.map((label, i) => [label, probabilities[i]!])),
    };
  }
}

function readConfig(file: string): ClassifierConfig {
  const problem = (what: string, cause?: unknown) =>
    new ClassifierError(
      'CLASSIFIER_NOT_A_CLASSIFIER',
      `${file}: ${what}; give a directory written by tunan corpus train-quality`,
      { cause },
    );
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw problem((cause as Error).message, cause);
  }
  const config = configSchema.safeParse(value);
  if (!config.success) throw problem(`not the config of a classifier (${config.error.issues[0]!.message})`);
  return config.data;
}
