/** The file of an application, JSON or YAML, checked as a whole: every mistake in it is told at once. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Said } from '@tunan/files';
import { APP_LIMITS, type App, type AppInput, appSchema } from '@tunan/protocol';
import { findMistakes, listMistakes, readJsonFile, systemProblem } from '@tunan/protocol/mistakes';
import { parseDocument, stringify } from 'yaml';
import { AppError } from './errors.ts';

/** Endings of files of applications. */
export const APP_ENDINGS = ['.yaml', '.yml', '.json'] as const;

/** @throws AppError APP_BAD_FILE */
export function readApp(file: string): App {
  return checkApp(readAppFile(file), file);
}

/** @param where what the value comes from, for the message @throws AppError APP_BAD_FILE */
export function checkApp(value: unknown, where: string): App {
  const found = findMistakes(appSchema, value);
  if ('value' in found) return found.value;
  throw new AppError('APP_BAD_FILE', listMistakes(where, found.mistakes));
}

function readAppFile(file: string): unknown {
  requireSmall(file);
  if (path.extname(file).toLowerCase() !== '.json') return readYaml(file);
  const read = readJsonFile(file);
  if ('value' in read) return read.value;
  throw new AppError('APP_BAD_FILE', read.problem, { cause: read.cause });
}

function requireSmall(file: string): void {
  let bytes: number;
  try {
    bytes = statSync(file).size;
  } catch (cause) {
    throw unreadable(file, cause);
  }
  if (bytes <= APP_LIMITS.file) return;
  throw new AppError('APP_BAD_FILE', {
    en: `${file} has ${bytes} bytes, an application at most ${APP_LIMITS.file}: leave some examples out`,
    zh: `${file} 有 ${bytes} 字节，一个应用至多 ${APP_LIMITS.file}：请减少示例`,
  });
}

function readYaml(file: string): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw unreadable(file, cause);
    const said = { en: `${file} is not in UTF-8: save it as UTF-8`, zh: `${file} 不是 UTF-8 编码：请另存为 UTF-8` };
    throw new AppError('APP_BAD_FILE', said, { cause });
  }
  return parseYaml(text, file);
}

/** @throws AppError APP_BAD_FILE, with the line and column of the first mistake */
export function parseYaml(text: string, where: string): unknown {
  // Anchors could make a small file large; nobody needs them here. Without custom tags nothing is built but texts, numbers, lists, objects.
  const document = parseDocument(text, { customTags: [], uniqueKeys: true });
  const [mistake] = document.errors;
  if (mistake !== undefined) {
    const [{ line, col } = { line: 1, col: 1 }] = mistake.linePos ?? [];
    const what = mistake.message.split(/ at line |\n/)[0] ?? mistake.code;
    throw new AppError('APP_BAD_FILE', {
      en: `${where} is not valid YAML: line ${line}, column ${col}: ${what}`,
      zh: `${where} 不是有效的 YAML：第 ${line} 行第 ${col} 列：${what}`,
    });
  }
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    const said = {
      en: `${where} has anchors or aliases (&, *): write the texts out`,
      zh: `${where} 用了锚点或别名（&、*）：请把文本直接写出`,
    };
    throw new AppError('APP_BAD_FILE', said, { cause });
  }
}

/** An application as the text of a file, without what is the default anyway. */
export function writeYaml(app: AppInput | App): string {
  return stringify(withoutDefaults(app), { lineWidth: 0 });
}

/** What a file need not say. */
function withoutDefaults(app: AppInput | App): unknown {
  const bare = { ...app } as Record<string, unknown>;
  const defaults = appSchema.parse({ ...minimal(app) }) as unknown as Record<string, unknown>;
  for (const [name, value] of Object.entries(bare)) {
    if (value === undefined || JSON.stringify(value) === JSON.stringify(defaults[name])) {
      if (!NEEDED.has(name)) delete bare[name];
    } else if (name === 'prompt' || name === 'sampling')
      bare[name] = differing(value as object, defaults[name] as object);
  }
  return bare;
}

const NEEDED: ReadonlySet<string> = new Set([
  'tunan_app',
  'name',
  'title',
  'description',
  'group',
  'inputs',
  'version',
]);

/** The fields that have no default. */
const minimal = ({ tunan_app, name, title, description, group, inputs }: AppInput | App) => {
  return { tunan_app, name, title, description, group, inputs };
};

function differing(value: object, defaults: object): object {
  const known = new Map(Object.entries(defaults));
  return Object.fromEntries(
    Object.entries(value).filter(([name, one]) => one !== undefined && one !== known.get(name)),
  );
}

function unreadable(file: string, cause: unknown): AppError {
  const why: Said = systemProblem(cause) ?? { en: (cause as Error).message, zh: (cause as Error).message };
  return new AppError(
    'APP_BAD_FILE',
    { en: `cannot read ${file}: ${why.en}`, zh: `无法读取 ${file}：${why.zh}` },
    { cause },
  );
}
