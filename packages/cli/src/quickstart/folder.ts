/** The folder of a quickstart: small JSON files, and names that lead to what was made last. */
import { existsSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { writeProblem, writeWhole } from '@tunan/files';
import { CommandLineError } from '../errors.ts';
import { text } from '../language.ts';
import type { QuickstartSummary } from './summary.ts';

/** Names that do not change with the minutes: DIR/model is the model of the last run, DIR/summary.json what it measured. */
export function publish(summary: QuickstartSummary, directory: string): void {
  writeJson(path.join(directory, 'summary.json'), summary);
  const link = path.join(directory, 'model');
  try {
    rmSync(`${link}.partial`, { force: true });
    symlinkSync(path.basename(summary.model.directory), `${link}.partial`);
    renameSync(`${link}.partial`, link);
  } catch (error) {
    throw writeProblem(link, error);
  }
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

export function writeJson(file: string, value: unknown): void {
  writeWhole(file, `${JSON.stringify(value, null, 2)}\n`);
}
