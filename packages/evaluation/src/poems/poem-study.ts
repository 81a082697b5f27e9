/**
 * Sums generated poems up: how many have the form of a quatrain, and whether they speak of their themes more than of
 * each other's.
 *
 * The control is the same poems under shuffled themes. Its mean is exact, over every pairing of a poem with another
 * theme, rather than that of one shuffle. The chance to do as well with randomly dealt themes comes from seeded
 * permutations.
 */

import { parseQuatrain } from '@tunan/applications/verse';
import { EvaluationError } from '../errors.ts';
import { seededRandom, shuffledIndices } from '../random.ts';
import { type ThemeAssociation, themeOverlap } from './theme-overlap.ts';

export interface PoemSample {
  readonly theme: string;
  /** Without title. */
  readonly poem: string;
}

export interface ThemeContrast {
  /** Mean over the poems, each with its own theme. */
  readonly own: number;
  /** Mean over the poems, each with all themes but its own. */
  readonly shuffled: number;
  /** own - shuffled. */
  readonly difference: number;
  /** Share of randomly dealt themes that score as high as the own ones; small means that the poems follow. */
  readonly chance: number;
}

export interface PoemStudy {
  readonly samples: number;
  readonly form: {
    /** Quatrains of five characters a verse. */
    readonly five: number;
    readonly seven: number;
    /** Share of samples that are either. */
    readonly share: number;
  };
  readonly overlap: ThemeContrast;
  /** Undefined when no training text was given. */
  readonly association: ThemeContrast | undefined;
}

export interface PoemStudyOptions {
  readonly association?: ThemeAssociation;
  readonly seed: number;
}

const PERMUTATIONS = 9_999;

/** @throws EvaluationError EVALUATION_TOO_FEW_SAMPLES unless at least two themes differ */
export function studyPoems(samples: readonly PoemSample[], { association, seed }: PoemStudyOptions): PoemStudy {
  if (new Set(samples.map(({ theme }) => theme)).size < 2) {
    throw new EvaluationError('EVALUATION_TOO_FEW_SAMPLES', {
      en: 'shuffling themes needs poems on at least two different themes: generate more samples',
      zh: '打乱题目至少需要两种不同题目的诗：请生成更多样本',
    });
  }
  const forms = samples.map(({ poem }) => parseQuatrain(poem).form);
  const five = forms.filter((form) => form === 'five').length;
  const seven = forms.filter((form) => form === 'seven').length;
  return {
    samples: samples.length,
    form: { five, seven, share: (five + seven) / samples.length },
    overlap: contrast(samples, themeOverlap, seed),
    association: association && contrast(samples, (theme, poem) => association.strength(theme, poem), seed),
  };
}

function contrast(
  samples: readonly PoemSample[],
  score: (theme: string, poem: string) => number,
  seed: number,
): ThemeContrast {
  const scores = samples.map(({ poem }) => samples.map(({ theme }) => score(theme, poem))); // (poem, theme)
  const own = mean(scores.map((row, i) => row[i]!));
  const others = scores.flatMap((row, i) => row.filter((_, j) => samples[j]!.theme !== samples[i]!.theme));
  const shuffled = mean(others);
  const random = seededRandom(seed);
  let asHigh = 0;
  for (let i = 0; i < PERMUTATIONS; i++) {
    const dealt = shuffledIndices(samples.length, random);
    // Sums in another order differ in the last digits: an equal score must count as one.
    if (mean(scores.map((row, j) => row[dealt[j]!]!)) >= own - 1e-9) asHigh++;
  }
  return { own, shuffled, difference: own - shuffled, chance: (asHigh + 1) / (PERMUTATIONS + 1) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
