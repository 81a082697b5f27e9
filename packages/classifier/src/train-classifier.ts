/**
 * Trains the linear classifier with libtorch: softmax regression on hashed character n-grams, AdamW, cosine schedule, then a
 * temperature and a shift of each label on the validation examples.
 * Deterministic for a seed on one machine. Does not split data: give validation examples of your own.
 */
import { embedding, type Tensor, tensor } from '@tunan/torch';
import { type Correction, fitCorrection } from './calibration.ts';
import { Classifier, type ClassifierConfig } from './classifier.ts';
import { ExampleDrawer } from './draw-examples.ts';
import { ClassifierError } from './errors.ts';
import type { Example } from './example.ts';
import { FeatureExtractor } from './features.ts';
import { seededRandom } from './random.ts';
import { SoftmaxRegression } from './softmax-regression.ts';

export interface TrainClassifierOptions {
  /** In this order in the weights; the labels of the examples in alphabetical order unless told. */
  readonly labels?: readonly string[];
  /** Corrects the probabilities; without it they are as confident as training left them. */
  readonly validation?: readonly Example[];
  readonly steps?: number;
  readonly batch?: number;
  readonly learningRate?: number;
  readonly weightDecay?: number;
  readonly maxOrder?: number;
  readonly bucketBits?: number;
  readonly seed?: number;
  onProgress?(progress: { readonly step: number; readonly steps: number; readonly loss: number }): void;
}

const MAX_CHARACTERS = 8192;
// Longer n-grams fit the sources better and strangers worse: see docs/experiments.md.
const defaults = {
  steps: 1200,
  batch: 64,
  learningRate: 0.01,
  weightDecay: 0.3,
  maxOrder: 2,
  bucketBits: 18,
  seed: 1,
};

/** @throws ClassifierError CLASSIFIER_EXAMPLES, CLASSIFIER_OPTION */
export async function trainClassifier(
  examples: readonly Example[],
  options: TrainClassifierOptions = {},
): Promise<Classifier> {
  const settings = { ...defaults, ...options };
  const labels = options.labels ?? [...new Set(examples.map(({ label }) => label))].sort();
  checkExamples(examples, labels);
  checkSettings(settings);
  const config: ClassifierConfig = {
    format: 'tunan-classifier-1',
    labels: [...labels],
    maxOrder: settings.maxOrder,
    bucketBits: settings.bucketBits,
    maxCharacters: MAX_CHARACTERS,
    temperature: 1,
    thresholds: {},
  };
  const { weight, bias } = await fit(
    config,
    new ExampleDrawer(examples, labels, seededRandom(settings.seed)),
    settings,
  );
  const trained = new Classifier(config, weight, bias);
  if (options.validation === undefined) return trained;
  return trained.corrected(correctionOn(trained, options.validation));
}

/** The correction of an uncorrected classifier that these examples ask for. */
export function correctionOn(classifier: Classifier, examples: readonly Example[]): Correction {
  const { labels } = classifier.config;
  return fitCorrection(
    examples.map(({ text }) => classifier.logits(text)),
    examples.map(({ label }) => labels.indexOf(label)),
  );
}

type Settings = typeof defaults & Pick<TrainClassifierOptions, 'onProgress'>;

async function fit(config: ClassifierConfig, drawer: ExampleDrawer, settings: Settings) {
  using regression = new SoftmaxRegression(2 ** config.bucketBits, config.labels.length, settings);
  const extractor = new FeatureExtractor(config);
  for (let step = 0; step < settings.steps; step++) {
    regression.learningRate = settings.learningRate * 0.5 * (1 + Math.cos((Math.PI * step) / settings.steps));
    const { buckets, shares, shape, targets } = drawBatch(drawer, extractor, settings.batch);
    const [B, L] = shape;
    // (B, 1, L) · (B, L, C) → (B, C)
    const product = (weight: Tensor) =>
      tensor(shares, { shape: [B, 1, L] })
        .matmul(embedding(weight, tensor(buckets, { shape })))
        .squeeze(1);
    const loss = regression.step(product, targets);
    settings.onProgress?.({ step: step + 1, steps: settings.steps, loss });
    // Lets signals through: a stop is heard between steps.
    if (step % 16 === 15) await new Promise((resolve) => setImmediate(resolve));
  }
  const { weight, bias } = regression;
  return { weight, bias };
}

/** L features of the longest text of the batch; shorter ones are filled with bucket 0 at weight 0. */
function drawBatch(drawer: ExampleDrawer, extractor: FeatureExtractor, batch: number) {
  const drawn = Array.from({ length: batch }, () => {
    const { text, label } = drawer.draw();
    const { buckets, weights } = extractor.extract(text);
    return { label, buckets: buckets.slice(), weights: weights.slice() };
  });
  const longest = Math.max(...drawn.map(({ buckets }) => buckets.length));
  const buckets = new Int32Array(batch * longest);
  const shares = new Float32Array(batch * longest);
  drawn.forEach((one, row) => {
    buckets.set(one.buckets, row * longest);
    shares.set(one.weights, row * longest);
  });
  return { buckets, shares, shape: [batch, longest] as const, targets: drawn.map(({ label }) => label) };
}

function checkExamples(examples: readonly Example[], labels: readonly string[]): void {
  const problem = (message: string) => new ClassifierError('CLASSIFIER_EXAMPLES', message);
  if (labels.length < 2) throw problem('a classifier needs examples of at least two labels');
  for (const label of labels) {
    if (!examples.some((example) => example.label === label)) throw problem(`no example of label "${label}"; add some`);
  }
  const unknown = examples.find((example) => !labels.includes(example.label));
  if (unknown !== undefined)
    throw problem(`an example has the label "${unknown.label}", not one of ${labels.join(', ')}`);
  const empty = examples.findIndex((example) => example.text.trim() === '');
  if (empty >= 0) throw problem(`example ${empty + 1} has no text; remove it`);
}

function checkSettings(settings: Settings): void {
  const whole = { steps: [1, 1e6], batch: [1, 4096], maxOrder: [1, 8], bucketBits: [8, 24] } as const;
  for (const [name, [least, most]] of Object.entries(whole)) {
    const value = settings[name as keyof typeof whole];
    if (Number.isInteger(value) && value >= least && value <= most) continue;
    throw new ClassifierError('CLASSIFIER_OPTION', `${name} is ${value}; give an integer from ${least} to ${most}`);
  }
}
