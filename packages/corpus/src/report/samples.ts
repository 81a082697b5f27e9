/** Samples of rejects for the report: a fixed random choice of each stage and reason. */
import type { Said } from '@tunan/protocol/mistakes';
import { mix } from '../duplicates/shingles.ts';

/** A reject shown in the report; those with the smallest `rank` are shown, whatever the number of workers. */
export interface Sample {
  stage: string;
  reason: string;
  rank: number;
  id: string;
  text: string;
  detail?: Said;
  kept?: string;
}

export const SAMPLES_A_REASON = 6;
const SAMPLE_CHARACTERS = 160;

/** The part of a text that the report shows. */
export function excerpt(text: string): string {
  const characters = [...text.slice(0, 2 * SAMPLE_CHARACTERS)];
  return characters.length > SAMPLE_CHARACTERS
    ? `${characters.slice(0, SAMPLE_CHARACTERS).join('')}…`
    : characters.join('');
}

/** A rank that depends on the id alone, so that samples are a fixed random choice. */
export function rankOf(id: string): number {
  let h = 0;
  for (let i = 0; i < id.length; i++) h = Math.imul(h, 31) + id.charCodeAt(i);
  return mix(h);
}

/** Keeps the samples of smallest rank for each stage and reason. */
export function keepSamples(samples: Sample[]): Sample[] {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = `${sample.stage} ${sample.reason}`;
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  const byRank = (a: Sample, b: Sample) => a.rank - b.rank || (a.id < b.id ? -1 : 1);
  return [...groups.values()].flatMap((group) => group.sort(byRank).slice(0, SAMPLES_A_REASON));
}
