/** The document stages of a recipe, ready to run, in its order. Preparation (word lists, models) happens here, once for each worker. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { DocumentStage } from '../document.ts';
import { CorpusError } from '../errors.ts';
import type { DocumentStageDefinition } from '../stage.ts';
import { DOCUMENT_STAGES, isDocumentStage, type StageOptions } from './stages.ts';

export interface PreparedStage {
  name: string;
  run: DocumentStage;
}

/** A stage of the list without the type of its options: they were checked by its own schema. */
type AnyStage = Pick<DocumentStageDefinition<never>, 'needsModel'> & {
  files?(options: StageOptions): string[];
  prepare(options: StageOptions, base: string): DocumentStage | Promise<DocumentStage>;
};

const BY_USE = new Map(
  DOCUMENT_STAGES.map((stage) => [stage.schema.shape.use.value as string, stage as unknown as AnyStage]),
);

/**
 * @param base directory that relative paths of the recipe start from
 * @throws CorpusError where a file that a stage needs is missing or damaged
 */
export async function documentStages(
  { stages }: { readonly stages: readonly StageOptions[] },
  base: string,
): Promise<PreparedStage[]> {
  const prepared: PreparedStage[] = [];
  for (const options of stages.filter(isDocumentStage)) {
    prepared.push({ name: options.use, run: await BY_USE.get(options.use)!.prepare(options, base) });
  }
  return prepared;
}

/**
 * Files and folders that a stage reads besides the documents, as the recipe gives them: word lists, models, evaluation
 * sets. Their digests are part of what a corpus was made from.
 */
export function stageFiles(options: StageOptions): string[] {
  return BY_USE.get(options.use)?.files?.(options) ?? [];
}

/** @throws CorpusError CORPUS_MODEL with the command that makes what is missing: recipes name models that do not come with them. */
export function requireModels(stages: readonly StageOptions[], base: string): void {
  for (const options of stages) {
    if (BY_USE.get(options.use)?.needsModel !== true || !('model' in options)) continue;
    if (existsSync(path.resolve(base, stageFiles(options)[0]!))) continue;
    const command = `tunan corpus train-${options.use} … --out ${options.model}`;
    const place = path.resolve(base, options.model);
    throw new CorpusError('CORPUS_MODEL', {
      en: `stage ${options.use}: no model in ${place}; make one with "${command}" (recipes/quality/README.md), or give its folder as "model" of the stage`,
      zh: `${options.use} 阶段：${place} 中没有模型；请用“${command}”生成（见 recipes/quality/README.md），或在该阶段的 model 中写明其目录`,
    });
  }
}
