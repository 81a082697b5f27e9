/** The texts of somebody's files and folders, as they are read for a corpus and with nothing done to them, for training a tokenizer. */
import { tmpdir } from 'node:os';
import { isRejection, textOf } from '../document.ts';
import { parseRecipe } from '../recipe/recipe.ts';
import { readUnit, resolveInputs } from '../sources/units.ts';
import { documentStages } from '../stages/document-stages.ts';
import { recipeFrom } from './own-recipe.ts';

/** Damaged records and pages without main text are passed over. @throws CorpusError where there is nothing to read */
export async function* ownTexts(paths: readonly string[], base = process.cwd()): AsyncGenerator<string> {
  const { recipe: made } = await recipeFrom(paths, 'texts', base);
  const recipe = parseRecipe({ ...made, stages: [{ use: 'decode' }, { use: 'extract' }] });
  const stages = await documentStages(recipe, base);
  for (const input of await resolveInputs(recipe, { base, downloads: tmpdir() })) {
    for await (const item of readUnit(recipe.sources[input.source]!, input, base)) {
      if (!('body' in item)) continue;
      let draft = item;
      for (const { run } of stages) {
        const result = run(draft);
        if (isRejection(result)) break;
        draft = result;
      }
      if (draft.page === undefined) yield textOf(draft);
    }
  }
}
