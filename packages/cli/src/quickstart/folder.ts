/** The folder of a quickstart: small JSON files, and names that lead to what was made last. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CommandLineError } from '../errors.ts';
import { text } from '../language.ts';
import type { QuickstartSummary } from './summary.ts';

/** Names that do not change with the minutes: DIR/model is the model of the last run, DIR/summary.json what it measured. */
export function publish(summary: QuickstartSummary, directory: string): void {
  writeJson(path.join(directory, 'summary.json'), summary);
  const link = path.join(directory, 'model');
  try {
    rmSync(`${link}.writing`, { force: true });
    symlinkSync(path.basename(summary.model.directory), `${link}.writing`);
    renameSync(`${link}.writing`, link);
  } catch (cause) {
    throw cannotWrite(link, cause);
  }
}

export function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (cause) {
    throw cannotWrite(directory, cause);
  }
}

function cannotWrite(place: string, cause: unknown): CommandLineError {
  const reason = (cause as Error).message;
  const message = text(
    `cannot write to ${place}: ${reason}; free the disk or choose another folder with --out`,
    `无法写入 ${place}：${reason}；请腾出磁盘空间，或用 --out 另选目录`,
  );
  return new CommandLineError('CLI_OUTPUT', message, { cause });
}

export function readJson<T>(file: string): T | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch (cause) {
    const message = text(`${file} is damaged; delete it and run again`, `${file} 已损坏；请删除后重新运行`);
    throw new CommandLineError('CLI_DAMAGED', message, { cause });
  }
}

/** Written beside and renamed, so that a stop in the middle leaves no half file. */
export function writeJson(file: string, value: unknown): void {
  try {
    writeFileSync(`${file}.writing`, `${JSON.stringify(value, null, 2)}\n`);
    renameSync(`${file}.writing`, file);
  } catch (cause) {
    throw cannotWrite(file, cause);
  }
}
