/**
 * Recipes on disk: a run by the path of its file, or by name. Named recipes are JSON files: DIR/run/NAME.json, and DIR/model/NAME.json
 * for their models.
 */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { findMistakes, hintAt, readJsonFile } from '@tunan/protocol/mistakes';
import { badRecipe, TrainingError } from '../errors.ts';
import { type RunRecipe, recipeSchema } from './schema.ts';

/**
 * Reads a run recipe by name or path.
 * @throws TrainingError TRAINING_BAD_RECIPE, naming the file and every field at fault, or the recipes there are
 */
export function readRunRecipe(nameOrPath: string, recipes?: string): RunRecipe {
  const { value, file } = readNamedRecipe('run', nameOrPath, recipes);
  const found = findMistakes(recipeSchema, value);
  if ('mistakes' in found) throw badRecipe(file, found.mistakes);
  return value as RunRecipe;
}

/** The JSON object of a recipe, whatever it holds. @throws TrainingError TRAINING_BAD_RECIPE */
export function readNamedRecipe(
  kind: 'run' | 'model',
  nameOrPath: string,
  recipes: string | undefined,
): { value: Record<string, unknown>; file: string } {
  const isPath = nameOrPath.endsWith('.json') || nameOrPath.includes(path.sep);
  const folder = recipes === undefined ? undefined : path.join(recipes, kind);
  const file = isPath || folder === undefined ? nameOrPath : path.join(folder, `${nameOrPath}.json`);
  if (!existsSync(file)) throw unknownRecipe(kind, nameOrPath, folder);
  const read = readJsonFile(file);
  if ('problem' in read) throw new TrainingError('TRAINING_BAD_RECIPE', read.problem, { cause: read.cause });
  const { value } = read;
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return { value: value as Record<string, unknown>, file };
  throw new TrainingError('TRAINING_BAD_RECIPE', {
    en: `${file}: not a JSON object; a recipe stands between { and }`,
    zh: `${file}：不是 JSON 对象；配方应写在 { } 之间`,
  });
}

function unknownRecipe(kind: 'run' | 'model', name: string, folder: string | undefined): TrainingError {
  const known = folder === undefined || !existsSync(folder) ? [] : readdirSync(folder).sort();
  const names = known.filter((file) => file.endsWith('.json')).map((file) => path.basename(file, '.json'));
  const hint = hintAt(name, names);
  const list = {
    en: names.length === 0 ? '' : `; there are ${names.join(', ')}, or give the path of a JSON file${hint.en}`,
    zh: names.length === 0 ? '' : `；已有 ${names.join('、')}，也可给出 JSON 文件的路径${hint.zh}`,
  };
  const kindZh = kind === 'run' ? '训练' : '模型';
  return new TrainingError('TRAINING_BAD_RECIPE', {
    en: `no ${kind} recipe ${name}${list.en}`,
    zh: `没有名为 ${name} 的${kindZh}配方${list.zh}`,
  });
}
