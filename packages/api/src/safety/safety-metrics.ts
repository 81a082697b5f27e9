/** The part of /metrics that tells what was found in texts. */
import { described } from '../exposition.ts';
import type { SafetyCount } from './safety.ts';

/** Categories are names of lower case, digits and hyphens; labels of classifiers may be anything. */
const label = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

export function safetyMetrics(counts: readonly SafetyCount[]): string[] {
  if (counts.length === 0) return [];
  const samples = counts.map(
    ({ direction, action, source, category, count }) =>
      `tunan_safety_findings_total{direction="${direction}",action="${action}",source="${source}",category="${label(category)}"} ${count}`,
  );
  return described('tunan_safety_findings_total', 'counter', 'What the policy found in prompts and answers.', samples);
}
