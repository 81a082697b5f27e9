/** `tunan corpus build --from`: the recipe that is made of somebody's files, kept beside the corpus, and what is said of it. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type OwnRecipe, parseRecipe, type Recipe, recipeFrom } from '@tunan/corpus';
import { makeFolder, writeWhole } from '@tunan/files';
import { CommandLineError, UsageError } from './errors.ts';
import { text } from './language.ts';
import { shellLine } from './shell-words.ts';
import { unreadLines } from './unread-lines.ts';

/** The recipe, written to OUT.recipe.json; one of the same words may be there already. */
export async function ownRecipe(from: readonly string[], out: string): Promise<{ recipe: Recipe; lines: string[] }> {
  const inside = from.find((place) => isInside(out, place));
  if (inside !== undefined) {
    throw new UsageError(
      text(
        `--out ${out} lies in ${inside}, which is read: choose a folder beside it`,
        `--out ${out} 位于要读取的 ${inside} 之内：请另选目录`,
      ),
    );
  }
  const own = await recipeFrom(from, nameOf(out));
  const file = `${out.replace(/[/\\]+$/, '')}.recipe.json`;
  keep(file, `${JSON.stringify(own.recipe, undefined, 2)}\n`, out);
  return { recipe: parseRecipe(own.recipe, file), lines: linesOf(own, file, out) };
}

function isInside(inner: string, outer: string): boolean {
  const relative = path.relative(path.resolve(outer), path.resolve(inner));
  return relative === '' || (!relative.startsWith('..') && !path.isAbsolute(relative));
}

function nameOf(out: string): string {
  const name = path
    .basename(path.resolve(out))
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return name === '' ? 'own-texts' : name;
}

/** A recipe that a person has changed is never written over. */
function keep(file: string, content: string, out: string): void {
  if (existsSync(file)) {
    if (readFileSync(file, 'utf8') === content) return;
    const command = shellLine(['tunan', 'corpus', 'build', file, '--out', out]);
    throw new CommandLineError(
      'CLI_OUTPUT',
      text(
        `${file} is there and says something else: build by it with ${command}, or remove it`,
        `${file} 已存在且内容不同：可按它构建（${command}），或将它移走`,
      ),
    );
  }
  makeFolder(path.dirname(file));
  writeWhole(file, content);
}

function linesOf({ found, unread, problems }: OwnRecipe, file: string, out: string): string[] {
  const sources = found.map(({ type, files, example, fields, records }) => {
    const guess = fields === undefined ? '' : fieldWords(fields);
    return text(
      `  ${files} ${type} ${files === 1 ? 'file' : 'files, such as'} ${example}${guess && `: ${guess} (guessed from ${records} records)`}`,
      `  ${files} 个 ${type} 文件${files === 1 ? '' : '，如'} ${example}${guess && `：${guess}（由 ${records} 条记录推测）`}`,
    );
  });
  const command = shellLine(['tunan', 'corpus', 'build', file, '--out', out]);
  return [
    text('found:', '找到：'),
    ...sources,
    ...problems.map(({ en, zh }) => text(`  passed over: ${en}`, `  跳过：${zh}`)),
    ...unreadLines(unread),
    text(
      `recipe: ${file} (change it as you like; then: ${command})`,
      `配方：${file}（可自行修改，然后运行：${command}）`,
    ),
  ];
}

function fieldWords(fields: NonNullable<OwnRecipe['found'][number]['fields']>): string {
  return Object.entries(fields)
    .map(([name, field]) => `${name} = ${[field].flat().join(' + ')}`)
    .join(', ');
}
