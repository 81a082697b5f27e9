/**
 * Labelled documents → a directory with the quality classifier, report.json and report.html, for stage `quality`.
 * The learning is @tunan/classifier's; here are the file formats.
 */
import path from 'node:path';
import {
  type QualityReport,
  qualityReportPage,
  type SourcedExample,
  type TrainAndTestOptions,
  trainAndTest,
} from '@tunan/classifier';
import { writeWhole } from '@tunan/files';
import { findMistakes, listMistakes } from '@tunan/protocol/mistakes';
import { z } from 'zod';
import { makeFolder } from '../directory/output-directory.ts';
import { CorpusError, writeProblem } from '../errors.ts';
import { readJsonLines } from '../reading/json-lines.ts';
import { requireFile } from './require-file.ts';

const labelledSchema = z.object({
  text: z.string().refine((text) => text.trim() !== '', 'is empty'),
  label: z.string().min(1),
  source: z.string().min(1),
});

export interface TrainQualityOptions extends TrainAndTestOptions {
  readonly out: string;
}

/** @throws CorpusError or ClassifierError where the file, a line or the choice of sources is at fault; nothing is written then. */
export async function trainQuality(file: string, options: TrainQualityOptions): Promise<QualityReport> {
  const { out, ...training } = options;
  const { classifier, report } = await trainAndTest(await readLabelled(file), training);
  makeFolder(out);
  try {
    writeWhole(path.join(out, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
    writeWhole(path.join(out, 'report.html'), qualityReportPage(report));
  } catch (error) {
    throw writeProblem(out, error);
  }
  classifier.save(out);
  return report;
}

async function readLabelled(file: string): Promise<SourcedExample[]> {
  requireFile(file);
  const examples: SourcedExample[] = [];
  for await (const { value, line } of readJsonLines(file)) {
    const found = findMistakes(labelledSchema, value);
    if ('mistakes' in found)
      throw new CorpusError('CORPUS_MALFORMED_LINE', listMistakes(`${file}:${line}`, found.mistakes));
    examples.push(found.value);
  }
  if (examples.length === 0)
    throw new CorpusError('CORPUS_EMPTY', {
      en: `${file} has no labelled documents`,
      zh: `${file} 中没有标注文档`,
    });
  return examples;
}
