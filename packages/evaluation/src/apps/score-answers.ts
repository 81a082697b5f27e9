/** How good answers are, with an interval of 95 % and what needs no model. */

import { split } from '@tunan/applications';
import { wilsonInterval } from '@tunan/classifier/proportion';
import type { AppMeasure, AppQuality } from '@tunan/protocol';
import { bootstrapMean, bootstrapStatistics } from '../statistics/bootstrap.ts';
import { CHRF_COUNTS, chrfCounts, chrfOf } from '../tuning-report/chrf.ts';
import type { LabelledItem } from './labelled-items.ts';

export interface JudgedAnswer {
  readonly item: LabelledItem;
  readonly output: string;
  /** Whether it passed the checks of the application. */
  readonly passed: boolean;
}

export type Score = Pick<AppQuality, 'metric' | 'value' | 'low' | 'high' | 'baseline'>;

export function scoreAnswers(measure: AppMeasure, answers: readonly JudgedAnswer[]): Score {
  switch (measure) {
    case 'form':
      return share('form', answers.filter(({ passed }) => passed).length, answers.length, undefined);
    case 'eprstmt':
      return accuracy(answers);
    case 'csl':
      return keywords(answers);
    case 'tnews':
    case 'classical':
      return chrf(answers);
  }
}

function share(metric: Score['metric'], right: number, all: number, baseline: number | undefined): Score {
  return { metric, value: right / all, ...wilsonInterval(right, all), ...(baseline !== undefined && { baseline }) };
}

/** The baseline is the commonest label. */
function accuracy(answers: readonly JudgedAnswer[]): Score {
  const counts = new Map<string, number>();
  for (const { item } of answers) counts.set(item.gold!, (counts.get(item.gold!) ?? 0) + 1);
  const right = answers.filter(({ item, output }) => output === item.gold).length;
  return share('accuracy', right, answers.length, Math.max(...counts.values()) / answers.length);
}

const SEPARATORS = '；;，,、 \n';

/** The mean over items of the F1 of exact keywords. Two sets, so that a keyword said twice counts once. */
function keywords(answers: readonly JudgedAnswer[]): Score {
  const each = answers.map(({ item, output }) => {
    const [given, wanted] = [output, item.gold!].map((text) => new Set(split(text, SEPARATORS))) as [
      Set<string>,
      Set<string>,
    ];
    const common = [...given].filter((one) => wanted.has(one)).length;
    return (2 * common) / Math.max(1, given.size + wanted.size);
  });
  const { mean, low, high } = bootstrapMean([each]);
  return { metric: 'f1', value: mean, low, high };
}

/** chrF of all answers together, from 0 to 1. The baseline is the input again. */
function chrf(answers: readonly JudgedAnswer[]): Score {
  const counts = answers.map(({ item, output }) => chrfCounts(output, item.gold!));
  const copied = answers.map(({ item }) => chrfCounts(Object.values(item.inputs)[0] ?? '', item.gold!));
  const statistic = (all: readonly Float64Array[]) => (sample: Int32Array) => {
    const sum = new Float64Array(CHRF_COUNTS);
    for (const place of sample) {
      for (const [i, count] of all[place]!.entries()) sum[i]! += count;
    }
    return chrfOf(sum) / 100;
  };
  const [own, copy] = bootstrapStatistics(answers.length, [statistic(counts), statistic(copied)]);
  return { metric: 'chrf', value: own!.value, low: own!.low, high: own!.high, baseline: copy!.value };
}
