/**
 * The model that tunan brings along: `models/tunan-tiny` of the working directory or of the checkout, or the npm package
 * `@tunan/tunan-tiny`. Commands take it where no model is named. Its files are held against the hashes of its manifest before it is used.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { fileSha256 } from '@tunan/files';
import { readJsonFile } from '@tunan/protocol/mistakes';
import { CommandLineError, UsageError } from './errors.ts';
import { text } from './language.ts';

export const SHIPPED_MODEL = 'tunan-tiny';
const PACKAGE = `@tunan/${SHIPPED_MODEL}`;
const MANIFEST = 'manifest.json';

export interface ShippedModel {
  readonly directory: string;
  /** Tuned for one task each; the name is that of the folder. */
  readonly adapters: readonly { readonly name: string; readonly directory: string; readonly base: undefined }[];
}

interface ShippedManifest {
  readonly format: 'tunan-shipped-model';
  readonly adapters: readonly string[];
  /** SHA-256 by path inside the folder. */
  readonly files: Readonly<Record<string, string>>;
}

/** @throws CommandLineError CLI_DAMAGED for a file that is not what the manifest says */
export async function findShippedModel(from = process.cwd()): Promise<ShippedModel | undefined> {
  const directory = placesOf(from).find((place) => existsSync(path.join(place, MANIFEST)));
  if (directory === undefined) return undefined;
  const { files, adapters } = readManifest(directory);
  for (const [name, sha256] of Object.entries(files)) {
    const file = path.join(directory, name);
    if (existsSync(file) && (await fileSha256(file)) === sha256) continue;
    throw damaged(
      `${file} is missing or not what ${MANIFEST} says: get ${directory} again`,
      `${file} 缺失，或与 ${MANIFEST} 所写不符：请重新获取 ${directory}`,
    );
  }
  return {
    directory,
    adapters: adapters.map((name) => ({ name, directory: path.join(directory, 'adapters', name), base: undefined })),
  };
}

/** @throws UsageError that says where a model comes from, where none is named and none is there */
export async function requireShippedModel(option: string): Promise<ShippedModel> {
  const found = await findShippedModel();
  if (found !== undefined) return found;
  throw new UsageError(
    text(
      `${option} is missing, and ${path.join('models', SHIPPED_MODEL)} is not here: name a model, put that folder here, or make a model of your own: tunan quickstart`,
      `缺少 ${option}，此处也没有 ${path.join('models', SHIPPED_MODEL)}：请指明模型，或放好该目录，或自己训练一个：tunan quickstart`,
    ),
  );
}

/** The model and adapter that are named; without a model the shipped one, whose adapters have names. */
export async function modelOrShipped(
  { model, adapter }: { readonly model?: string | undefined; readonly adapter?: string | undefined },
  option: string,
): Promise<{ model: string; adapter?: string }> {
  if (model !== undefined) return { model };
  const { directory, adapters } = await requireShippedModel(option);
  const own = adapters.find(({ name }) => name === adapter);
  return { model: directory, ...(own === undefined ? {} : { adapter: own.directory }) };
}

/** From the nearest to the farthest. */
function placesOf(from: string): string[] {
  const checkout = fileURLToPath(new URL('../../..', import.meta.url));
  const folders = [from, checkout].map((root) => path.join(root, 'models', SHIPPED_MODEL));
  const starts = [pathToFileURL(path.join(from, 'package.json')).href, import.meta.url];
  const installed = starts.flatMap((start) => createRequire(start).resolve.paths(PACKAGE) ?? []);
  return [...folders, ...installed.map((folder) => path.join(folder, PACKAGE))];
}

function readManifest(directory: string): ShippedManifest {
  const file = path.join(directory, MANIFEST);
  const read = readJsonFile(file);
  const manifest = 'problem' in read ? undefined : (read.value as ShippedManifest | null);
  if (manifest?.format === 'tunan-shipped-model') return manifest;
  throw damaged(`${file} is damaged: get ${directory} again`, `${file} 已损坏：请重新获取 ${directory}`);
}

function damaged(en: string, zh: string): CommandLineError {
  return new CommandLineError('CLI_DAMAGED', text(en, zh));
}
