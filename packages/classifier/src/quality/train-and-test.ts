/**
 * A quality classifier from labelled documents, with the report that says how far it can be believed.
 *
 * 1. The test's sources are set aside; nothing is chosen on them.
 * 2. A classifier is trained without the validation's sources and judges them. On these judgements the correction and the thresholds
 *    are chosen: on documents of sources that were trained on, both come out far too sure.
 * 3. With the same settings another is trained on both. It is tested, and set beside a baseline that knows only length and punctuation.
 */
import { type Calibration, calibration } from '../calibration.ts';
import type { Classifier } from '../classifier.ts';
import { ClassifierError } from '../errors.ts';
import { type Scores, score } from '../scores.ts';
import { chooseThresholds, type LabelCurve, labelCurve, type Probable, type Threshold } from '../thresholds.ts';
import { correctionOn, type TrainClassifierOptions, trainClassifier } from '../train-classifier.ts';
import { type SourcedExample, splitBySource } from './split-by-source.ts';
import { trainSurfaceBaseline } from './surface-baseline.ts';

export interface TrainAndTestOptions extends Omit<TrainClassifierOptions, 'validation' | 'labels'> {
  /** The label of documents that are kept. */
  readonly keep: string;
  /** Sources of the test; one for each label is chosen by the seed unless told. */
  readonly testSources?: readonly string[] | undefined;
  /** Sources that temperature and thresholds are chosen on; likewise. */
  readonly validationSources?: readonly string[] | undefined;
  /** Share of the validation's kept documents that thresholds may turn away. */
  readonly maxKeptRejected?: number;
}

export interface QualityReport {
  readonly keep: string;
  readonly labels: readonly string[];
  readonly documents: readonly {
    readonly source: string;
    readonly label: string;
    readonly count: number;
    readonly side: Side;
  }[];
  readonly temperature: number;
  /** What the logarithm of each label's odds was raised by. */
  readonly shifts: Readonly<Record<string, number>>;
  readonly maxKeptRejected: number;
  readonly thresholds: readonly Threshold[];
  readonly validation: Judged;
  readonly test: Judged & { readonly sources: readonly SourceScore[]; readonly mistakes: readonly Mistake[] };
  readonly baseline: Scores;
}

/** Documents of the validation are trained on in the end. */
type Side = 'train' | 'validation' | 'test';

interface Judged {
  readonly documents: number;
  readonly scores: Scores;
  readonly calibration: Calibration;
  readonly curves: readonly LabelCurve[];
  /** Kept documents that the thresholds turn away. */
  readonly keptRejected: number;
}

interface SourceScore {
  readonly source: string;
  readonly label: string;
  readonly count: number;
  readonly recall: number;
  /** Turned away by the thresholds: of kept documents a fault, of others the purpose. */
  readonly rejected: number;
}

/** A document of the test whose most probable label is not its own: of the model or of who labelled it. */
interface Mistake {
  readonly source: string;
  readonly label: string;
  readonly predicted: string;
  readonly probability: number;
  /** Its beginning. */
  readonly text: string;
}

const MAX_KEPT_REJECTED = 0.002;
const MOST_MISTAKES = 30;
const EXCERPT = 120;

/** @throws ClassifierError CLASSIFIER_EXAMPLES, CLASSIFIER_OPTION */
export async function trainAndTest(
  examples: readonly SourcedExample[],
  options: TrainAndTestOptions,
): Promise<{ classifier: Classifier; report: QualityReport }> {
  const { keep, testSources, validationSources, maxKeptRejected = MAX_KEPT_REJECTED, ...training } = options;
  const seed = options.seed ?? 1;
  const labels = labelsOf(examples, keep);
  const outer = splitBySource(examples, { held: testSources, seed });
  const inner = splitBySource(outer.rest, { held: validationSources, seed });
  const stranger = await trainClassifier(inner.rest, { ...training, labels });
  const correction = correctionOn(stranger, inner.held);
  const validation = judge(stranger.corrected(correction), inner.held);
  const thresholds = chooseThresholds(validation, keep, labels, maxKeptRejected);
  const limits = Object.fromEntries(thresholds.map(({ label, threshold }) => [label, threshold]));
  const final = await trainClassifier(outer.rest, { ...training, labels });
  const classifier = final.corrected(correction).withThresholds(limits);
  const test = judge(classifier, outer.held);
  const baseline = trainSurfaceBaseline(outer.rest, labels, seed);
  const report: QualityReport = {
    keep,
    labels,
    documents: count(examples, outer.sources, inner.sources),
    temperature: correction.temperature,
    shifts: Object.fromEntries(labels.map((label, i) => [label, correction.shifts[i]!])),
    maxKeptRejected,
    thresholds,
    validation: judged(validation, keep, labels, limits),
    test: {
      ...judged(test, keep, labels, limits),
      sources: bySource(test, limits),
      mistakes: mistakes(test, outer.held),
    },
    baseline: score(
      outer.held.map(({ label }) => label),
      outer.held.map(({ text }) => baseline(text)),
      labels,
    ),
  };
  return { classifier, report };
}

/** The kept label first, then the others by name. */
function labelsOf(examples: readonly SourcedExample[], keep: string): string[] {
  const found = new Set(examples.map(({ label }) => label));
  if (!found.has(keep)) {
    throw new ClassifierError('CLASSIFIER_EXAMPLES', `no document has the label "${keep}"; add good documents`);
  }
  return [keep, ...[...found].filter((label) => label !== keep).sort()];
}

function judge(classifier: Classifier, examples: readonly SourcedExample[]): Probable[] {
  const judgements = classifier.classify(examples.map(({ text }) => text));
  return examples.map(({ label, source }, i) => ({ label, source, probabilities: judgements[i]!.probabilities }));
}

function judged(
  documents: readonly Probable[],
  keep: string,
  labels: readonly string[],
  limits: Readonly<Record<string, number>>,
): Judged {
  const predicted = documents.map(({ probabilities }) => best(probabilities));
  return {
    documents: documents.length,
    scores: score(
      documents.map(({ label }) => label),
      predicted,
      labels,
    ),
    calibration: calibration(
      documents.map(({ label, probabilities }, i) => ({
        probability: probabilities[predicted[i]!]!,
        right: predicted[i] === label,
      })),
    ),
    curves: labels.map((label) => labelCurve(documents, label)),
    keptRejected: documents.filter((one) => one.label === keep && isRejected(one, limits)).length,
  };
}

function best(probabilities: Readonly<Record<string, number>>): string {
  return Object.entries(probabilities).reduce((a, b) => (b[1] > a[1] ? b : a))[0];
}

function isRejected({ probabilities }: Probable, limits: Readonly<Record<string, number>>): boolean {
  return Object.entries(limits).some(([label, limit]) => probabilities[label]! >= limit);
}

function bySource(documents: readonly Probable[], limits: Readonly<Record<string, number>>): SourceScore[] {
  const groups = Map.groupBy(documents, ({ source, label }) => `${source}\t${label}`);
  return Array.from(groups, ([key, own]) => {
    const [source, label] = key.split('\t') as [string, string];
    const right = own.filter(({ probabilities }) => best(probabilities) === label).length;
    const rejected = own.filter((one) => isRejected(one, limits)).length;
    return { source, label, count: own.length, recall: right / own.length, rejected };
  });
}

/** The most confident ones first. */
function mistakes(judgements: readonly Probable[], documents: readonly SourcedExample[]): Mistake[] {
  return judgements
    .map(({ source, label, probabilities }, i) => {
      const predicted = best(probabilities);
      const text = documents[i]!.text.replace(/\s+/g, ' ').trim().slice(0, EXCERPT);
      return { source, label, predicted, probability: probabilities[predicted]!, text };
    })
    .filter(({ label, predicted }) => label !== predicted)
    .sort((a, b) => b.probability - a.probability)
    .slice(0, MOST_MISTAKES);
}

function count(
  examples: readonly SourcedExample[],
  test: readonly string[],
  validation: readonly string[],
): QualityReport['documents'] {
  const groups = Map.groupBy(examples, ({ source, label }) => `${label}\t${source}`);
  return Array.from(groups, ([key, own]) => {
    const [label, source] = key.split('\t') as [string, string];
    const side: Side = test.includes(source) ? 'test' : validation.includes(source) ? 'validation' : 'train';
    return { label, source, count: own.length, side };
  });
}
