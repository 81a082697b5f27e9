/** All stages of a corpus recipe, in the order in which they may stand. */
import { z } from 'zod';
import { exactDuplicatesStage } from '../duplicates/exact-duplicates.ts';
import { nearDuplicatesStage } from '../duplicates/near-duplicates.ts';
import { repeatedLinesStage } from '../duplicates/repeated-lines.ts';
import type { StageWords } from '../stage.ts';
import { coarseRulesStage } from './coarse-rules.ts';
import { decodeStage } from './decode.ts';
import { decontaminateStage } from './decontaminate.ts';
import { extractStage } from './extract.ts';
import { languageStage } from './language.ts';
import { markMissingStage } from './mark-missing.ts';
import { normaliseStage } from './normalise.ts';
import { perplexityStage } from './perplexity.ts';
import { personalDataStage } from './personal-data.ts';
import { qualityStage } from './quality.ts';
import { repairStage } from './repair.ts';
import { rulesStage } from './rules.ts';
import { sensitiveStage } from './sensitive.ts';
import { simplifyStage } from './simplify.ts';
import { stripNotesStage } from './strip-notes.ts';
import { verseStage } from './verse.ts';

/** Stages that look at one document alone run in the order of the recipe. */
export const DOCUMENT_STAGES = [
  decodeStage,
  extractStage,
  repairStage,
  languageStage,
  simplifyStage,
  normaliseStage,
  markMissingStage,
  verseStage,
  stripNotesStage,
  rulesStage,
  coarseRulesStage,
  sensitiveStage,
  personalDataStage,
  qualityStage,
  perplexityStage,
  decontaminateStage,
] as const;

/** Stages that need all documents follow them, in this order. */
const CORPUS_STAGES = [exactDuplicatesStage, nearDuplicatesStage, repeatedLinesStage] as const;

type Schemas<Stages extends readonly { schema: unknown }[]> = {
  readonly [Index in keyof Stages]: Stages[Index]['schema'];
};

function schemasOf<const Stages extends readonly { schema: unknown }[]>(stages: Stages): Schemas<Stages> {
  return stages.map(({ schema }) => schema) as unknown as Schemas<Stages>;
}

export const documentStageSchema = z.discriminatedUnion('use', schemasOf(DOCUMENT_STAGES));
export const corpusStageSchema = z.discriminatedUnion('use', schemasOf(CORPUS_STAGES));

export type DocumentStageOptions = z.infer<typeof documentStageSchema>;
export type CorpusStageOptions = z.infer<typeof corpusStageSchema>;
export type StageOptions = DocumentStageOptions | CorpusStageOptions;

/** Names in the order in which they may stand. */
export const DOCUMENT_USES: readonly string[] = DOCUMENT_STAGES.map(({ schema }) => schema.shape.use.value);
export const CORPUS_USES: readonly string[] = CORPUS_STAGES.map(({ schema }) => schema.shape.use.value);

export function isDocumentStage(stage: StageOptions): stage is DocumentStageOptions {
  return DOCUMENT_USES.includes(stage.use);
}

/** What is said of each stage, by its name. */
export const STAGE_WORDS: ReadonlyMap<string, StageWords> = new Map(
  [...DOCUMENT_STAGES, ...CORPUS_STAGES].map((stage) => [stage.schema.shape.use.value, stage]),
);
