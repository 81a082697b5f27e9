/**
 * Stage `quality`: a trained classifier (`tunan corpus train-quality`) turns away documents that reach the threshold of a label; the
 * label is the reason. The probability of the kept label stands in meta.quality. A pure function of text and model; no engine is loaded.
 */
import path from 'node:path';
import { Classifier, ClassifierError } from '@tunan/classifier';
import { type DocumentStage, textOf } from '../document.ts';
import { CorpusError } from '../errors.ts';
import type { DocumentStageOptions } from '../recipe-stages.ts';

type Options = Extract<DocumentStageOptions, { use: 'quality' }>;

/** @throws CorpusError CORPUS_MODEL where the folder holds no classifier, or one without the labels of the recipe */
export function quality(options: Options, base: string): DocumentStage {
  const classifier = load(path.resolve(base, options.model));
  const { labels } = classifier.config;
  const thresholds = { ...classifier.config.thresholds, ...options.thresholds };
  const unknown = [options.keep, ...Object.keys(thresholds)].find((label) => !labels.includes(label));
  if (unknown !== undefined) {
    const known = `the classifier ${options.model} knows ${labels.join(', ')}`;
    throw new CorpusError('CORPUS_MODEL', `stage quality: no label "${unknown}"; ${known}`);
  }
  return (draft) => {
    const { probabilities } = classifier.classify([textOf(draft)])[0]!;
    // The label by which it misses most, where it reaches several.
    const reached = Object.entries(thresholds).filter(([label, threshold]) => probabilities[label]! >= threshold);
    const [worst] = reached.sort(([a], [b]) => probabilities[b]! - probabilities[a]!);
    if (worst !== undefined) return { reason: worst[0] };
    return { ...draft, meta: { ...draft.meta, quality: probabilities[options.keep]!.toFixed(4) } };
  };
}

function load(directory: string): Classifier {
  try {
    return Classifier.load(directory);
  } catch (cause) {
    if (!(cause instanceof ClassifierError)) throw cause;
    throw new CorpusError('CORPUS_MODEL', cause.message, { cause });
  }
}
