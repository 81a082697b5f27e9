/**
 * Finds recipes: a built-in one by name (recipes/<kind>/<name>.json), or a file of your own by its path.
 *
 * Only finds and reads; what a recipe may say is checked by the package that uses it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandLineError } from './errors.ts';
import { text } from './language.ts';

export type RecipeKind = 'corpus' | 'model' | 'run';

const home = path.dirname(fileURLToPath(import.meta.resolve('@tunan/recipes/package.json')));

/** The names that are built in, in alphabetical order. */
export function recipeNames(kind: RecipeKind): string[] {
  return readdirSync(path.join(home, kind), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .map((entry) => entry.name.slice(0, -'.json'.length))
    .sort();
}

/** @returns the path of the recipe's file: anything that ends in .json is a path, all else a name. */
export function findRecipe(kind: RecipeKind, nameOrPath: string): string {
  if (nameOrPath.endsWith('.json')) return path.resolve(nameOrPath);
  const names = recipeNames(kind);
  if (names.includes(nameOrPath)) return path.join(home, kind, `${nameOrPath}.json`);
  const known = names.join(', ');
  throw new CommandLineError(
    'CLI_UNKNOWN_RECIPE',
    text(
      `unknown ${kind} recipe '${nameOrPath}'; known: ${known} (or the path of a .json file)`,
      `未知的 ${kind} 配方“${nameOrPath}”；已有：${known}（也可给出 .json 文件的路径）`,
    ),
  );
}

/** @throws CommandLineError when the file is missing or no JSON. */
export function readRecipe(kind: RecipeKind, nameOrPath: string): unknown {
  const file = findRecipe(kind, nameOrPath);
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandLineError(
      'CLI_UNREADABLE_RECIPE',
      text(`recipe ${file} cannot be read: ${reason}`, `无法读取配方 ${file}：${reason}`),
      { cause },
    );
  }
}
