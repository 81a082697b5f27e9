/** answers.json of a study: who wrote what, and how the texts came about. It may be kept apart from what the server is given. */
import { STUDY_KINDS } from '@tunan/protocol/studies';
import { z } from 'zod';

const kind = z.enum(STUDY_KINDS);
const counts = z.object({
  ...{ given: z.int(), known: z.int(), unmatched: z.int(), used: z.int() },
});

const item = z.object({
  kind,
  /** Who wrote it, or which of the pair a person wrote. */
  answer: z.enum(['human', 'machine', 'first', 'second']),
  /** Where the human text is from; of a single text of the model, that of the human text beside it. */
  source: z.string(),
  /** Of each text. */
  characters: z.array(z.int()).readonly(),
  /** The item asks for its answer, and for this confidence, in so many words. */
  check: z.object({ confidence: z.int() }).optional(),
});
export type ItemAnswer = z.infer<typeof item>;

export const studyKeySchema = z.object({
  format: z.literal(1),
  study: z.string(),
  model: z.string(),
  seed: z.int(),
  sampling: z.object({ temperature: z.number(), topP: z.number(), tries: z.int(), band: z.number() }),
  templates: z.partialRecord(kind, z.string()),
  /** Undefined where there was no corpus to look through. */
  search: z
    .object({
      ...{ corpus: z.string(), documents: z.int(), copyLength: z.int() },
      /** Texts of the model that were copies, of all that fitted. */
      ...{ copies: z.int(), candidates: z.int() },
    })
    .optional(),
  /** By kind: human texts that were given, that the model may have learnt, to which it wrote nothing that fits, and that are used. */
  texts: z.partialRecord(kind, counts),
  plan: z.object({
    ...{ judges: z.int(), each: z.int(), items: z.int(), judgements: z.int(), independent: z.int(), needed: z.int() },
    ...{ power: z.number(), claim: z.object({ limit: z.number(), truth: z.number(), power: z.number() }) },
  }),
  items: z.record(z.string(), item),
});
export type StudyKey = z.infer<typeof studyKeySchema>;
export type TextCounts = z.infer<typeof counts>;
