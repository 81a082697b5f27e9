/** Finds applications: one of the gallery by its name, or a file of your own by its path. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { App } from '@tunan/protocol';
import { hintAt } from '@tunan/protocol/mistakes';
import { CommandLineError } from '../errors.ts';
import { text } from '../language.ts';

const home = path.join(path.dirname(fileURLToPath(import.meta.resolve('@tunan/gallery/package.json'))), 'applications');

/** The names of the gallery, in alphabetical order. */
export function galleryNames(): string[] {
  return readdirSync(home)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length))
    .sort();
}

/** All of the gallery, verse first, as its groups are listed. @throws AppError */
export async function galleryApps(): Promise<App[]> {
  const { readApp } = await import('@tunan/applications');
  const { APP_GROUPS } = await import('@tunan/protocol');
  const apps = galleryNames().map((name) => readApp(path.join(home, `${name}.yaml`)));
  return apps.sort((a, b) => APP_GROUPS.indexOf(a.group) - APP_GROUPS.indexOf(b.group));
}

/** The file of an application. @throws CommandLineError that lists the known names */
async function findAppFile(nameOrPath: string): Promise<string> {
  const { APP_ENDINGS } = await import('@tunan/applications');
  const isPath = APP_ENDINGS.some((ending) => nameOrPath.toLowerCase().endsWith(ending));
  if (isPath && existsSync(nameOrPath)) return nameOrPath;
  const names = galleryNames();
  if (names.includes(nameOrPath)) return path.join(home, `${nameOrPath}.yaml`);
  const hint = hintAt(nameOrPath, names);
  throw new CommandLineError(
    'CLI_UNKNOWN_APP',
    text(
      `there is no application '${nameOrPath}'; known: ${names.join(', ')} (or the path of a .yaml or .json file)${hint.en}`,
      `没有应用“${nameOrPath}”；已有：${names.join('、')}（也可给出 .yaml 或 .json 文件的路径）${hint.zh}`,
    ),
  );
}

/** @throws AppError, CommandLineError */
export async function findApp(nameOrPath: string): Promise<App> {
  const { readApp } = await import('@tunan/applications');
  return readApp(await findAppFile(nameOrPath));
}
