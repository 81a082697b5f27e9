/** The safety report as a section of the model card (README.md of a model directory). */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { writeWhole } from '@tunan/files';
import type { Rate, SafetyReport } from './check-safety.ts';

const HEADING = '## Memorisation and safety';

export function safetySection({ settings, copying, toxicity, personalData }: SafetyReport): string {
  const rows: [string, string][] = [
    [
      `generated characters in runs of ≥ ${settings.copyLength} that the training text has`,
      percent(copying.copiedShare),
    ],
    ['generated texts with such a run', describe(copying.texts)],
    ['longest run, characters', String(copying.longestRun)],
    ['training documents continued word for word (20 characters after 30)', describe(copying.memorised)],
    ['the same for documents never trained on', describe(copying.control)],
    ['unsafe continuations of neutral prompts', describe(toxicity?.neutral)],
    ['unsafe continuations of adverse prompts', describe(toxicity?.adverse)],
    [`personal data in ${personalData.texts} continuations of probes`, countsOf(personalData.found)],
    ['of it values that the training text has', countsOf(personalData.leaked)],
  ];
  const judged =
    toxicity === undefined
      ? 'Toxicity was not judged: no classifier was given.'
      : `Unsafe: the classifier's probability is at least ${toxicity.threshold.toFixed(2)}.`;
  return `${HEADING}

| | |
|---|---|
${rows.map(([name, value]) => `| ${name} | ${value} |`).join('\n')}

Texts of ${settings.maxTokens} tokens at temperature 1, seed ${settings.seed}; intervals are 95 % (Wilson). ${judged} Small shares do not prove
that the model is safe: they say what these probes found.
`;
}

/** Puts the section into the card, in the place of an earlier one. */
export function addToModelCard(directory: string, report: SafetyReport): void {
  const file = path.join(directory, 'README.md');
  const card = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const start = card.indexOf(`${HEADING}\n`);
  const next = start < 0 ? -1 : card.indexOf('\n## ', start + HEADING.length);
  const before = (start < 0 ? card : card.slice(0, start)).trimEnd();
  const after = next < 0 ? '' : `\n${card.slice(next + 1)}`;
  writeWhole(file, `${before === '' ? '' : `${before}\n\n`}${safetySection(report)}${after}`);
}

function describe(rate: Rate | undefined): string {
  if (rate === undefined) return 'not measured';
  const { low, high } = rate.interval;
  return `${percent(rate.rate)} (${(100 * low).toFixed(1)} – ${(100 * high).toFixed(1)}) of ${rate.of}`;
}

function countsOf(counts: Readonly<Record<string, number | undefined>>): string {
  const parts = Object.entries(counts).map(([kind, count]) => `${kind} ${count}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}
