/**
 * Contextual calibration (Zhao et al. 2021, in the form of Yuan 1.0): what a model answers to a question without content is
 * its bias, and is taken out of its answers.
 *
 * p are the probabilities of the words, p_cf their mean over the content-free prompts, both made to sum to 1. The calibrated
 * scores are q = W p + b with W = diag(p_cf)^-1 and b = 0 (`diagonal`), or W = I and b = -p_cf (`identity`).
 */

import type { CandidateScore } from './scoring/scorer.ts';

export type Calibration = 'none' | 'diagonal' | 'identity';

/**
 * What a candidate's log-probability is divided by: its tokens (the original's way, so that none is punished for being long), its
 * characters (the same whatever the vocabulary), or nothing (the probability of the text as it is).
 */
export type Normalisation = 'token' | 'character' | 'none';

/** Smaller ones would turn the quotient into the noise of the arithmetic. */
const LEAST_PROBABILITY = 1e-12;

/** Probabilities of the candidates among each other. @param texts what was scored of each */
export function probabilities(
  scores: readonly CandidateScore[],
  texts: readonly string[],
  kind: Normalisation,
): number[] {
  const length = (i: number) => (kind === 'token' ? scores[i]!.tokens : kind === 'none' ? 1 : [...texts[i]!].length);
  const means = scores.map(({ logprob }, i) => logprob / length(i));
  const greatest = Math.max(...means);
  return normalise(means.map((mean) => Math.exp(mean - greatest)));
}

/** @param contentFree probabilities of the same words for each content-free prompt; may be empty where nothing is calibrated */
export function calibrate(
  p: readonly number[],
  contentFree: readonly (readonly number[])[],
  kind: Calibration,
): readonly number[] {
  if (kind === 'none') return p;
  if (contentFree.length === 0) throw new Error('calibration without content-free prompts');
  const bias = normalise(p.map((_, i) => contentFree.reduce((sum, one) => sum + one[i]!, 0)));
  if (kind === 'identity') return p.map((value, i) => value - bias[i]!);
  return p.map((value, i) => value / Math.max(bias[i]!, LEAST_PROBABILITY));
}

export function normalise(values: readonly number[]): number[] {
  const sum = values.reduce((total, value) => total + value, 0);
  return values.map((value) => value / sum);
}
