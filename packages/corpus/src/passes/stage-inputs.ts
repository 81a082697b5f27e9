/** The files that the stages of a recipe read besides its documents. */
import { join, resolve } from 'node:path';
import { existing, filesBelow } from '../reading/files.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { fingerprint, type StageInput } from '../sources/units.ts';
import { requireModels, stageFiles } from '../stages/document-stages.ts';

/** Fingerprints what the stages read: another word list makes another corpus. */
export async function resolveStageInputs(recipe: Recipe, base: string): Promise<StageInput[]> {
  const blockLists = recipe.sources.flatMap((source) => ('blockLists' in source ? source.blockLists : []));
  const inputs: StageInput[] = [];
  requireModels(recipe.stages, base);
  for (const name of new Set([...blockLists, ...recipe.stages.flatMap(stageFiles)])) {
    const path = resolve(base, name);
    for (const file of existing(path).isDirectory() ? filesBelow(path) : ['']) {
      inputs.push({ name: join(name, file), ...(await fingerprint(join(path, file))) });
    }
  }
  return inputs;
}
