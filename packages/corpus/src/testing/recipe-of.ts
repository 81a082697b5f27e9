import { parseRecipe, type Recipe } from '../recipe/recipe.ts';

/** A recipe of JSON lines (`a.jsonl`, source `a`) for tests that care about its stages; `changes` go over the rest. */
export function recipeOf(stages: readonly object[], changes: object = {}): Recipe {
  return parseRecipe({
    name: 'made-up',
    licence: 'CC0-1.0',
    sources: [{ type: 'jsonl', name: 'a', licence: 'CC0-1.0', paths: ['a.jsonl'] }],
    stages,
    split: { validation: 0, test: 0, seed: 1 },
    ...changes,
  });
}
