/**
 * What a classifier says of texts. Its labels are the categories: those that have a threshold, which is where training has found that the
 * label holds. A long text is judged piece by piece, because the classifier reads the beginning and the end of one alone.
 */
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Classifier } from '@tunan/classifier';
import type { Moderations } from '@tunan/protocol';
import { SafetyError } from './errors.ts';

type Result = Moderations['results'][number];

export class Moderation {
  readonly name: string;
  readonly #classifier: Classifier;
  /** In the order of the labels. */
  readonly #thresholds: readonly (readonly [label: string, least: number])[];

  /** @throws SafetyError where no label has a threshold */
  constructor(name: string, classifier: Classifier) {
    const { labels, thresholds } = classifier.config;
    this.name = name;
    this.#classifier = classifier;
    this.#thresholds = labels.flatMap((label) => (thresholds[label] === undefined ? [] : [[label, thresholds[label]]]));
    if (this.#thresholds.length > 0) return;
    throw new SafetyError('SAFETY_BAD_POLICY', {
      en: `the classifier ${name} has no threshold for any of its labels (${labels.join(', ')}), so that nothing would ever be flagged: write them into thresholds of its config.json`,
      zh: `分类器 ${name} 的标签（${labels.join('、')}）都没有阈值，因而什么都不会被标出：请写入其 config.json 的 thresholds`,
    });
  }

  /** @param directory of a classifier @throws ClassifierError, SafetyError */
  static async open(directory: string): Promise<Moderation> {
    const { Classifier } = await import('@tunan/classifier');
    return new Moderation(path.basename(path.resolve(directory)), Classifier.load(directory));
  }

  async judge(text: string): Promise<Result> {
    const scores = new Map(this.#thresholds.map(([label]) => [label, 0]));
    for (const piece of piecesOf(text, this.#classifier.config.maxCharacters)) {
      const [{ probabilities }] = this.#classifier.classify([piece]) as [ReturnType<Classifier['classify']>[number]];
      for (const [label, before] of scores) scores.set(label, Math.max(before, probabilities[label] ?? 0));
      await setImmediate();
    }
    const categories = this.#thresholds.map(([label, least]) => [label, scores.get(label)! >= least] as const);
    return {
      flagged: categories.some(([, holds]) => holds),
      categories: Object.fromEntries(categories),
      category_scores: Object.fromEntries(scores),
    };
  }
}

/** Each goes on in the middle of the one before, so that nothing is cut in two alone. */
function* piecesOf(text: string, characters: number): Generator<string, void, void> {
  const step = Math.max(1, Math.floor(characters / 2));
  for (let from = 0; ; from += step) {
    yield text.slice(from, from + characters);
    if (from + characters >= text.length) return;
  }
}
