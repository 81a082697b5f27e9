/**
 * The stages of a corpus recipe, with every option that each takes. Document stages look at one draft alone and run in
 * the order of the recipe; corpus stages need all documents and follow them.
 */
import { z } from 'zod';

export const documentStageSchema = z.discriminatedUnion('use', [
  /** Characters of a web page from its bytes. Drafts that carry no page pass, here and in `extract`. */
  z.strictObject({ use: z.literal('decode') }),
  z.strictObject({
    use: z.literal('extract'),
    /** The page's title becomes the first line of the text, unless the article has it already; it is in meta.title too. */
    heading: z.boolean().default(true),
  }),
  z.strictObject({ use: z.literal('simplify') }),
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
    use: z.literal('decontaminate'),
    /** Evaluation sets: JSON lines, and the fields with text in them (`a.b` for field b inside a). */
    sets: z
      .array(
        z.strictObject({
          name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'lower-case letters, digits and hyphens'),
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
