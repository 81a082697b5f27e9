/**
 * Stage `quality`: a trained classifier (`tunan corpus train-quality`) rejects documents that reach the threshold of a label; the
 * label is the reason. Long documents are also classified in parts, and rejected if at least a fifth of the parts exceed the threshold of a
 * label in `hidden`: spam hides in much harmless text, while a good article may end in a list of links. The probability of the kept label stands in meta.quality. A pure function of text and model; no engine is loaded.
 */

import path from 'node:path';
import { Classifier, ClassifierError } from '@tunan/classifier';
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { type DocumentStage, textOf } from '../document.ts';
import { CorpusError } from '../errors.ts';
import { documentStage, shareOption, textOption } from '../stage.ts';

const schema = z
  .strictObject({
    use: z.literal('quality'),
    model: textOption.describe(
      inBoth(
        'Folder of a classifier, from `tunan corpus train-quality`.',
        '分类器目录，由 `tunan corpus train-quality` 生成。',
      ),
    ),
    keep: textOption
      .default('high')
      .describe(inBoth('The label whose probability becomes `meta.quality`.', '其概率写入 `meta.quality` 的标签。')),
    thresholds: z
      .record(z.string(), shareOption)
      .default({})
      .describe(
        inBoth(
          'In place of the classifier’s own: rejected from this probability of the label on.',
          '代替分类器自带的阈值：某标签的概率达到该值即剔除。',
        ),
      ),
    hidden: z
      .array(textOption)
      .optional()
      .describe(
        inBoth(
          'Labels for which a long document is rejected where a fifth of its parts have them; `advert` and `unsafe` by default.',
          '长文档中五分之一的部分属于这些标签即剔除；缺省为 `advert` 与 `unsafe`。',
        ),
      ),
  })
  .describe(inBoth('A trained classifier judges the text.', '由训练好的分类器判断文本。'));

type Options = z.infer<typeof schema>;

/** @throws CorpusError CORPUS_MODEL where the folder holds no classifier, or one without the labels of the recipe */
function prepare(options: Options, base: string): DocumentStage {
  const classifier = load(path.resolve(base, options.model));
  const { labels } = classifier.config;
  const thresholds = { ...classifier.config.thresholds, ...options.thresholds };
  const named = [options.keep, ...Object.keys(thresholds), ...(options.hidden ?? [])];
  const unknown = named.find((label) => !labels.includes(label));
  if (unknown !== undefined) {
    const known = labels.join(', ');
    throw new CorpusError('CORPUS_MODEL', {
      en: `stage quality: no label "${unknown}"; the classifier ${options.model} knows ${known}`,
      zh: `quality 阶段：没有标签“${unknown}”；分类器 ${options.model} 的标签为 ${known}`,
    });
  }
  const worst = worstLabel(thresholds);
  const hidden = options.hidden ?? HIDDEN;
  const worstHidden = CUTS.map(({ doubt }) => {
    const surer = Object.entries(thresholds).map(([label, limit]) => [label, 1 - (1 - limit) * doubt] as const);
    return worstLabel(Object.fromEntries(surer.filter(([label]) => hidden.includes(label))));
  });
  return (draft) => {
    const text = textOf(draft);
    const { probabilities } = classifier.classify([text])[0]!;
    const label =
      worst(probabilities) ??
      CUTS.map((cut, i) => labelOfParts(classifier, text, cut, worstHidden[i]!)).find((found) => found !== undefined);
    if (label !== undefined) return { reason: label };
    return { ...draft, meta: { ...draft.meta, quality: probabilities[options.keep]!.toFixed(4) } };
  };
}

const HIDDEN: readonly string[] = ['advert', 'unsafe'];

type Probabilities = Readonly<Record<string, number>>;

/** The most probable of the labels whose threshold is reached. */
function worstLabel(
  thresholds: Readonly<Record<string, number>>,
): (probabilities: Probabilities) => string | undefined {
  return (probabilities) => {
    const reached = Object.entries(thresholds).filter(([label, threshold]) => probabilities[label]! >= threshold);
    return reached.sort(([a], [b]) => probabilities[b]! - probabilities[a]!)[0]?.[0];
  };
}

/**
 * How a document is cut: UTF-16 units of a part (of at most so many, so those of longer documents are longer), and which share of what a
 * threshold leaves to 1 a part may miss. Long parts are judged well, as long as the longest windows of training; spam between good
 * paragraphs goes under in them. Short ones are many, and each is a chance of a mistake, so they must be surer.
 */
const CUTS = [
  { part: 1200, least: 3, most: 12, doubt: 1 },
  { part: 400, least: 2, most: 24, doubt: 0.25 },
] as const;
const SHARE = 0.2;

function labelOfParts(
  classifier: Classifier,
  text: string,
  { part, least, most }: (typeof CUTS)[number],
  worst: (probabilities: Probabilities) => string | undefined,
): string | undefined {
  const count = Math.min(most, Math.round(text.length / part));
  if (count < least) return undefined;
  const bounds = Array.from({ length: count + 1 }, (_, i) => Math.floor((i * text.length) / count));
  const parts = Array.from({ length: count }, (_, i) => text.slice(bounds[i], bounds[i + 1]));
  const labels = classifier.classify(parts).map(({ probabilities }) => worst(probabilities));
  const found = labels.filter((label) => label !== undefined);
  return found.length >= SHARE * count ? found[0] : undefined;
}

function load(directory: string): Classifier {
  try {
    return Classifier.load(directory);
  } catch (cause) {
    if (!(cause instanceof ClassifierError)) throw cause;
    throw new CorpusError('CORPUS_MODEL', { en: cause.message, zh: cause.chinese ?? cause.message }, { cause });
  }
}

export const qualityStage = documentStage({
  label: { zh: '质量分类', en: 'Quality classifier' },
  names: {
    low: { zh: '低质', en: 'low quality' },
    advert: { zh: '广告', en: 'advert' },
    unsafe: { zh: '不安全', en: 'unsafe' },
  },
  meta: {
    quality: '分类器给出的高质量概率 probability of high quality by the classifier of the recipe, 0 to 1',
  },
  schema,
  files: ({ model }) => ['config.json', 'model.safetensors'].map((file) => path.join(model, file)),
  needsModel: true,
  prepare,
});
