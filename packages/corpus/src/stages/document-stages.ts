/**
 * The document stages of a recipe, ready to run, in its order. Preparation (word lists, models) happens here, once for
 * each worker; a prepared stage is a pure function.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { DocumentStage } from '../document.ts';
import { CorpusError } from '../errors.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { type CorpusStageOptions, type DocumentStageOptions, isDocumentStage } from '../recipe/recipe-stages.ts';
import { coarseRules } from './coarse-rules.ts';
import { decontaminate } from './decontaminate.ts';
import { language } from './language.ts';
import { markMissing } from './missing.ts';
import { normalise } from './normalise.ts';
import { decode, extract } from './page.ts';
import { perplexity } from './perplexity.ts';
import { personalData } from './personal-data.ts';
import { quality } from './quality.ts';
import { repair } from './repair.ts';
import { rules } from './rules.ts';
import { sensitive } from './sensitive.ts';
import { simplifyRegion } from './simplify.ts';
import { stripNotes } from './strip-notes.ts';
import { foldVariants } from './variants.ts';
import { verse } from './verse.ts';

export type PreparedStage = { name: string; run: DocumentStage };

/**
 * @param base directory that relative paths of the recipe start from
 * @throws CorpusError where a file that a stage needs is missing or damaged
 */
export async function documentStages(recipe: Recipe, base: string): Promise<PreparedStage[]> {
  const stages: PreparedStage[] = [];
  for (const options of recipe.stages.filter(isDocumentStage)) {
    stages.push({ name: options.use, run: await stageOf(options, base) });
  }
  return stages;
}

/**
 * Files and folders that a stage reads besides the documents, as the recipe gives them: word lists, models, evaluation
 * sets. Their digests are part of what a corpus was made from.
 */
export function stageFiles(options: DocumentStageOptions | CorpusStageOptions): string[] {
  switch (options.use) {
    case 'decontaminate':
      return options.sets.flatMap((set) => set.paths);
    case 'sensitive':
      return options.lists.map((list) => list.path);
    case 'quality':
      return ['config.json', 'model.safetensors'].map((file) => path.join(options.model, file));
    case 'perplexity':
      return ['model.json', 'counts.bin.zst'].map((file) => path.join(options.model, file));
    default:
      return [];
  }
}

/** @throws CorpusError CORPUS_MODEL with the command that makes what is missing: recipes name models that do not come with them. */
export function requireModels(stages: Recipe['stages'], base: string): void {
  for (const options of stages) {
    if (options.use !== 'quality' && options.use !== 'perplexity') continue;
    if (existsSync(path.resolve(base, stageFiles(options)[0]!))) continue;
    const command = `tunan corpus train-${options.use} … --out ${options.model}`;
    const place = path.resolve(base, options.model);
    throw new CorpusError('CORPUS_MODEL', {
      en: `stage ${options.use}: no model in ${place}; make one with "${command}" (recipes/quality/README.md), or give its folder as "model" of the stage`,
      zh: `${options.use} 阶段：${place} 中没有模型；请用“${command}”生成（见 recipes/quality/README.md），或在该阶段的 model 中写明其目录`,
    });
  }
}

function stageOf(options: DocumentStageOptions, base: string): DocumentStage | Promise<DocumentStage> {
  switch (options.use) {
    case 'decode':
      return decode;
    case 'extract':
      return extract(options);
    case 'repair':
      return repair;
    case 'language':
      return language(options);
    case 'simplify':
      return simplifyRegion(options);
    case 'normalise':
      return options.variants ? (draft) => foldVariants(normalise(draft)) : normalise;
    case 'mark-missing':
      return markMissing;
    case 'verse':
      return verse;
    case 'strip-notes':
      return stripNotes;
    case 'rules':
      return rules(options);
    case 'coarse-rules':
      return coarseRules(options);
    case 'sensitive':
      return sensitive(options, base);
    case 'personal-data':
      return personalData(options);
    case 'quality':
      return quality(options, base);
    case 'perplexity':
      return perplexity(options, base);
    case 'decontaminate':
      return decontaminate(options, base);
  }
}
