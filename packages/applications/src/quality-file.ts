/**
 * What was measured of applications with one model, kept beside the model: `app-quality.json` in its directory, `NAME.app-quality.json` beside a
 * GGUF. Servers show it in the gallery.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { writeWhole } from '@tunan/files';
import { appNameSchema, appQualitySchema } from '@tunan/protocol';
import { findMistakes, listMistakes, readJsonFile } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { AppError } from './errors.ts';

const measuredSchema = appQualitySchema.omit({ model: true }).extend({ app: appNameSchema });
const fileSchema = z.strictObject({ tunan_app_quality: z.literal(1), measured: z.array(measuredSchema) });

/** How good the answers of an application are, with the model beside which this stands. */
export type MeasuredApp = z.infer<typeof measuredSchema>;

/** @param model a directory, or a GGUF */
export function qualityPlace(model: string): string {
  const isFile = /\.gguf$/i.test(model);
  return isFile ? model.replace(/\.gguf$/i, '.app-quality.json') : path.join(model, 'app-quality.json');
}

/** Nothing where there is no file. @throws AppError APP_BAD_FILE */
export function readQuality(file: string): readonly MeasuredApp[] {
  if (!existsSync(file)) return [];
  const read = readJsonFile(file);
  if ('problem' in read) throw new AppError('APP_BAD_FILE', read.problem, { cause: read.cause });
  const found = findMistakes(fileSchema, read.value);
  if ('mistakes' in found) throw new AppError('APP_BAD_FILE', listMistakes(file, found.mistakes));
  return found.value.measured;
}

/** Puts what was measured in the place of what was known of the same applications. @throws AppError APP_BAD_FILE; WriteError */
export function writeQuality(file: string, measured: readonly MeasuredApp[]): void {
  const names = new Set(measured.map(({ app }) => app));
  const all = [...readQuality(file).filter(({ app }) => !names.has(app)), ...measured];
  all.sort((a, b) => (a.app < b.app ? -1 : 1));
  writeWhole(file, `${JSON.stringify({ tunan_app_quality: 1, measured: all }, undefined, 2)}\n`);
}
