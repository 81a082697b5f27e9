/**
 * Finds recipes: a built-in one by name (recipes/<kind>/<name>.json), or a file of your own by its path.
 *
 * Only finds them; what a recipe may say is read and checked by the package that uses it.
 */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { hintAt } from '@tunan/protocol/mistakes';
import { CommandLineError } from './errors.ts';
import { text } from './language.ts';

export type RecipeKind = 'corpus' | 'model' | 'run';

/** The folder of the built-in recipes, one folder a kind. */
export const recipesHome = path.dirname(fileURLToPath(import.meta.resolve('@tunan/recipes/package.json')));

/** The names that are built in, in alphabetical order. */
function recipeNames(kind: RecipeKind): string[] {
  return readdirSync(path.join(recipesHome, kind), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .map((entry) => entry.name.slice(0, -'.json'.length))
    .sort();
}

/**
 * The path of the recipe's file: anything that ends in .json is a path, all else a name.
 * @throws CommandLineError that lists the known names
 */
export function findRecipe(kind: RecipeKind, nameOrPath: string): string {
  const own = path.resolve(nameOrPath);
  if (nameOrPath.endsWith('.json') && existsSync(own)) return own;
  const names = recipeNames(kind);
  if (names.includes(nameOrPath)) return path.join(recipesHome, kind, `${nameOrPath}.json`);
  const known = names.join(', ');
  const hint = hintAt(nameOrPath, names);
  throw new CommandLineError(
    'CLI_UNKNOWN_RECIPE',
    text(
      `unknown ${kind} recipe '${nameOrPath}'; known: ${known} (or the path of a .json file)${hint.en}`,
      `未知的 ${kind} 配方“${nameOrPath}”；已有：${known}（也可给出 .json 文件的路径）${hint.zh}`,
    ),
  );
}
