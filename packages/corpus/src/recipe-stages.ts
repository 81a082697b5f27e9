/**
 * The stages of a corpus recipe, with every option that each takes. Document stages look at one draft alone and run in
 * the order of the recipe; corpus stages need all documents and follow them.
 */
import { inBoth } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { PERSONAL_DATA } from './personal-data/index.ts';

const LOWER_CASE = inBoth('lower-case letters, digits and hyphens', '只能用小写字母、数字和连字符');

export const documentStageSchema = z.discriminatedUnion('use', [
  /** Characters of a web page from its bytes. Drafts that carry no page pass, here and in `extract`. */
  z.strictObject({ use: z.literal('decode') }),
  z.strictObject({
    use: z.literal('extract'),
    /** The page's title becomes the first line of the text, unless the article has it already; it is in meta.title too. */
    heading: z.boolean().default(true),
  }),
  /** Damaged text is mended or rejected; what was done stands in meta.repaired. */
  z.strictObject({ use: z.literal('repair') }),
  z.strictObject({
    use: z.literal('language'),
    /** Chinese characters among all letters but those of code; kana and Hangul among those and Chinese characters. */
    minHanShare: z.number().min(0).max(1).default(0.3),
    maxKanaShare: z.number().min(0).max(1).default(0.1),
    maxHangulShare: z.number().min(0).max(1).default(0.2),
    /** Scripts that may pass; the script stands in meta.script. */
    scripts: z
      .array(z.enum(['Hans', 'Hant', 'mixed']))
      .min(1)
      .default(['Hans', 'Hant', 'mixed']),
  }),
  z.strictObject({
    use: z.literal('simplify'),
    /** Traditional texts come from there, and their words become those of the mainland (滑鼠 → 鼠标); `none` changes characters alone. */
    region: z.enum(['none', 'tw', 'hk']).default('none'),
  }),
  z.strictObject({ use: z.literal('normalise') }),
  z.strictObject({ use: z.literal('mark-missing') }),
  z.strictObject({ use: z.literal('verse') }),
  z.strictObject({ use: z.literal('strip-notes') }),
  z.strictObject({
    use: z.literal('rules'),
    /** Each is checked only where it is given. */
    minHan: z.int().min(0).optional(),
    maxHan: z.int().min(1).optional(),
    /** Chinese characters among all that are no punctuation. */
    minHanShare: z.number().min(0).max(1).optional(),
    maxMissing: z.int().min(0).optional(),
    maxForeign: z.int().min(0).optional(),
  }),
  z.strictObject({
    use: z.literal('coarse-rules'),
    /** Characters are what is no white space. ChineseWebText: at least 200, a mean line of 10, 30 % Chinese. */
    minCharacters: z.int().min(0).default(200),
    maxCharacters: z.int().min(1).default(1_000_000),
    minMeanLine: z.number().min(0).default(10),
    minHanShare: z.number().min(0).max(1).default(0.3),
    /** ChineseWebText: 13-grams that came before in the document. Gopher: characters in repeated lines and paragraphs. */
    maxRepeated13Grams: z.number().min(0).max(1).default(0.5),
    maxRepeatedLines: z.number().min(0).max(1).default(0.3),
    maxRepeatedParagraphs: z.number().min(0).max(1).default(0.3),
    /** Gopher: lines that end in an ellipsis or begin with a bullet. Symbols (Gopher: 10 % of words) and digits: our own. */
    maxEllipsisLines: z.number().min(0).max(1).default(0.3),
    maxBulletLines: z.number().min(0).max(1).default(0.9),
    maxSymbolShare: z.number().min(0).max(1).default(0.15),
    maxDigitShare: z.number().min(0).max(1).default(0.3),
    /** Lines of navigation, copyright and the like are taken out before the rules. */
    boilerplate: z.enum(['remove', 'keep']).default('remove'),
  }),
  z.strictObject({
    use: z.literal('sensitive'),
    /** Pages of adverts, adult content, gambling and illegal offers, told by our own terms. */
    spam: z.boolean().default(true),
    /** Word lists, one word a line; `category` names the reason. */
    lists: z
      .array(
        z.strictObject({
          category: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, LOWER_CASE),
          path: z.string().min(1),
        }),
      )
      .default([]),
    /** ChineseWebText: hits of the lists for each line. */
    maxHitsPerLine: z.number().min(0).default(0.5),
  }),
  z.strictObject({
    use: z.literal('personal-data'),
    kinds: z
      .array(z.enum(PERSONAL_DATA))
      .min(1)
      .default([...PERSONAL_DATA]),
    /** What stands for each kind. */
    masks: z
      .strictObject({
        mobile: z.string().default('〈手机号〉'),
        landline: z.string().default('〈电话号码〉'),
        'identity-card': z.string().default('〈身份证号〉'),
        'bank-card': z.string().default('〈银行卡号〉'),
        email: z.string().default('〈电子邮箱〉'),
        account: z.string().default('〈账号〉'),
        address: z.string().default('〈地址〉'),
        passport: z.string().default('〈护照号〉'),
        plate: z.string().default('〈车牌〉'),
      })
      .prefault({}),
  }),
  z.strictObject({
    use: z.literal('quality'),
    /** Folder of a classifier, from `tunan corpus train-quality`. */
    model: z.string().min(1),
    /** The label whose probability becomes meta.quality. */
    keep: z.string().min(1).default('high'),
    /** In place of those that the classifier brings: turned away from this probability of the label on. */
    thresholds: z.record(z.string(), z.number().min(0).max(1)).default({}),
    /** Labels that a long document is turned away for where a fifth of its parts have them; `advert` and `unsafe` unless told. */
    hidden: z.array(z.string().min(1)).optional(),
  }),
  z.strictObject({
    use: z.literal('perplexity'),
    /** Folder of a model, from `tunan corpus train-perplexity`. */
    model: z.string().min(1),
    drop: z.array(z.enum(['head', 'middle', 'tail'])).default([]),
  }),
  z.strictObject({
    use: z.literal('decontaminate'),
    /** Evaluation sets: JSON lines, and the fields with text in them (`a.b` for field b inside a). */
    sets: z
      .array(
        z.strictObject({
          name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, LOWER_CASE),
          paths: z.array(z.string().min(1)).min(1),
          fields: z.array(z.string().min(1)).min(1),
        }),
      )
      .min(1),
    /** Characters in an n-gram, and how many different ones a document may not share (GPT-3: 13). */
    ngram: z.int().min(5).max(64).default(13),
    minGrams: z.int().min(1).default(1),
  }),
]);

export const corpusStageSchema = z.discriminatedUnion('use', [
  z.strictObject({ use: z.literal('exact-duplicates') }),
  z.strictObject({
    use: z.literal('near-duplicates'),
    /** Characters in a shingle. */
    ngram: z.int().min(1).max(32),
    bands: z.int().min(1).max(256),
    rows: z.int().min(1).max(64),
    /** Two documents are joined when the Jaccard similarity of their shingle sets is at least this. */
    similarity: z.number().gt(0).max(1),
    /**
     * The one document of a cluster that is kept: `best` by quality, then length, then order; `first` in order. Where
     * it is absent all are kept, and stand on one side of the split.
     */
    keep: z.enum(['best', 'first']).optional(),
  }),
  z.strictObject({
    use: z.literal('repeated-lines'),
    /** A line is taken out that stands on at least so many documents of a site, and on this share of them. */
    minDocuments: z.int().min(2).default(5),
    minShare: z.number().min(0).max(1).default(0.02),
    /** A document of which fewer content characters would be left is dropped. */
    minLeft: z.int().min(1).default(1),
  }),
]);

export type DocumentStageOptions = z.infer<typeof documentStageSchema>;
export type CorpusStageOptions = z.infer<typeof corpusStageSchema>;

/** Names in the order in which they may stand. */
export const DOCUMENT_STAGES: readonly string[] = documentStageSchema.options.map((o) => o.shape.use.value);
export const CORPUS_STAGES: readonly string[] = corpusStageSchema.options.map((o) => o.shape.use.value);

export function isDocumentStage(stage: DocumentStageOptions | CorpusStageOptions): stage is DocumentStageOptions {
  return DOCUMENT_STAGES.includes(stage.use);
}
