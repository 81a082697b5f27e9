/** The figure of the report for other choices of unseen sources and other seeds: is it the luck of one split? */
import { type QualityReport, trainAndTest } from '@tunan/classifier';
import { goldPages } from './gold-pages.ts';
import type { LabelledDocument } from './labelled-document.ts';
import { qualityFilter } from './stage.ts';

/** Each label has a source in every column; pages of the web and messages are real, hand-* our own. */
export const ROTATIONS = [
  {
    name: 'recipe',
    test: ['web-b', 'sms-spam-2', 'hand-b', 'hand-c', 'hand-d'],
    validation: ['web-a', 'newsletter', 'hand-a'],
  },
  {
    name: 'web-a',
    test: ['web-a', 'sms-spam-2', 'hand-a', 'hand-c', 'hand-d'],
    validation: ['web-b', 'newsletter', 'hand-b'],
  },
  {
    name: 'sms-spam',
    test: ['web-a', 'sms-spam', 'hand-a', 'hand-b', 'hand-d'],
    validation: ['web-b', 'newsletter', 'hand-c'],
  },
  {
    name: 'hand-abc',
    test: ['web-b', 'sms-spam-2', 'hand-a', 'hand-b', 'hand-c'],
    validation: ['web-a', 'newsletter', 'hand-d'],
  },
];

export async function measureRotations(documents: readonly LabelledDocument[], data: string, seeds: readonly number[]) {
  const gold = goldPages(data);
  const rows = [];
  console.log(
    'unseen     seed  macro F1  baseline    ECE  F1 of each label; gold pages of unseen collections rejected',
  );
  for (const { name, test, validation } of ROTATIONS) {
    for (const seed of seeds) {
      const { classifier, report } = await trainAndTest(documents, {
        keep: 'high',
        testSources: test,
        validationSources: validation,
        seed,
      });
      const rejected = await qualityFilter(classifier);
      const unseen = gold.filter(({ source }) => source === undefined || test.includes(source));
      const turnedAway = unseen.flatMap(({ id, text }) => {
        const reason = rejected(text);
        return reason === undefined ? [] : [`${id} ${reason}`];
      });
      const row = { name, seed, ...figures(report), unseenPages: unseen.length, turnedAway };
      console.log(
        `${name.padEnd(10)} ${String(seed).padStart(4)}  ${row.macroF1.toFixed(4)}    ${row.baseline.toFixed(4)}    ${row.calibrationError.toFixed(3)}  ${Object.entries(
          row.f1,
        )
          .map(([label, f1]) => `${label} ${f1.toFixed(3)}`)
          .join(' ')}; ${turnedAway.length} of ${unseen.length} ${turnedAway.join(', ')}`,
      );
      rows.push(row);
    }
  }
  const all = rows.map(({ macroF1 }) => macroF1);
  const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
  console.log(
    `macro F1: mean ${mean.toFixed(4)}, least ${Math.min(...all).toFixed(4)}, most ${Math.max(...all).toFixed(4)}`,
  );
  return { mean, rows };
}

function figures({ test, baseline }: QualityReport) {
  return {
    macroF1: test.scores.macroF1,
    baseline: baseline.macroF1,
    calibrationError: test.calibration.expectedError,
    f1: Object.fromEntries(test.scores.labels.map(({ label, f1 }) => [label, f1])),
    bySource: test.sources,
  };
}
