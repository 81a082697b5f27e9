/** The document stages of a recipe, ready to run, in its order. */
import type { DocumentStage } from '../document.ts';
import type { DocumentStageOptions, Recipe } from '../recipe.ts';
import { markMissing } from './missing.ts';
import { normalise } from './normalise.ts';
import { rules } from './rules.ts';
import { simplify } from './simplify.ts';
import { stripNotes } from './strip-notes.ts';
import { verse } from './verse.ts';

export function documentStages(recipe: Recipe): { name: string; run: DocumentStage }[] {
  const stages: { name: string; run: DocumentStage }[] = [];
  for (const options of recipe.stages) {
    if (options.use === 'exact-duplicates' || options.use === 'near-duplicates') break;
    stages.push({ name: options.use, run: stageOf(options) });
  }
  return stages;
}

function stageOf(options: DocumentStageOptions): DocumentStage {
  switch (options.use) {
    case 'simplify':
      return simplify;
    case 'normalise':
      return normalise;
    case 'mark-missing':
      return markMissing;
    case 'verse':
      return verse;
    case 'strip-notes':
      return stripNotes;
    case 'rules':
      return rules(options);
  }
}
