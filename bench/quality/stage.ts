/** Stages of a recipe as functions of a text, for bench/quality.ts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Classifier } from '@tunan/classifier';
import { isRejection } from '@tunan/corpus';
import { stagesOf } from '../stages.ts';

/** Tells the reason why a text is turned away, or undefined where it stays. */
export type Filter = (text: string) => string | undefined;

export async function stageFilter(stage: object, base = '.'): Promise<Filter> {
  const [run] = await stagesOf([stage], base);
  return (text) => {
    const result = run!({ id: 'page', source: 'bench', title: '', body: text, meta: {} });
    return isRejection(result) ? result.reason : undefined;
  };
}

/** Stage `quality` with this classifier, read from disk as a recipe reads it. */
export async function qualityFilter(classifier: Classifier): Promise<Filter> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tunan-bench-quality-'));
  try {
    classifier.save(path.join(folder, 'model'));
    return await stageFilter({ use: 'quality', model: 'model' }, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
