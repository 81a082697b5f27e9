/**
 * What a stage of a recipe is: its options with what is said of each in both languages, what a report calls it and what it decides, the
 * fields of meta that it writes, the files that it reads, and how it is made ready. A stage is one file and one line in stages/stages.ts.
 */
import { inBoth, type Said } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import type { DocumentStage } from './document.ts';

/** Options that many stages take. */
export const shareOption = z.number().min(0).max(1);
export const countOption = z.int().min(0);
export const textOption = z.string().min(1);
export const LOWER_CASE = inBoth('lower-case letters, digits and hyphens', '只能用小写字母、数字和连字符');

/** `use` and the options of a stage. */
type StageSchema = z.ZodObject<{ use: z.ZodLiteral<string> }>;

/** What is said of a stage in reports and on the card of a corpus. */
export interface StageWords {
  readonly label: Said;
  /** Its reasons, and what it counts in meta. */
  readonly names?: Readonly<Record<string, Said>>;
  /** The fields of meta that it writes, and what they mean. */
  readonly meta?: Readonly<Record<string, string>>;
}

/** A stage that looks at one document alone. */
export interface DocumentStageDefinition<Schema extends StageSchema> extends StageWords {
  readonly schema: Schema;
  /** Files and folders that it reads besides the documents, as the recipe gives them. */
  files?(options: z.infer<Schema>): string[];
  /** Its `model` does not come with a recipe; `tunan corpus train-NAME` makes it. */
  readonly needsModel?: true;
  /**
   * Word lists and models are read here, once a worker; what comes out is a pure function.
   * @param base directory that relative paths of the recipe start from
   */
  prepare(options: z.infer<Schema>, base: string): DocumentStage | Promise<DocumentStage>;
}

/** A stage that looks at all documents; what it does is decided in passes/decide.ts. */
export interface CorpusStageDefinition<Schema extends StageSchema> extends StageWords {
  readonly schema: Schema;
}

export function documentStage<Schema extends StageSchema>(
  stage: DocumentStageDefinition<Schema>,
): DocumentStageDefinition<Schema> {
  return stage;
}

export function corpusStage<Schema extends StageSchema>(
  stage: CorpusStageDefinition<Schema>,
): CorpusStageDefinition<Schema> {
  return stage;
}
