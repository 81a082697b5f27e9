/**
 * Peak learning rates of tuning where none is given: a constant over the width of the model. For Adam the best rate of hidden matrices falls
 * as 1 / width (Yang et al. 2021), as it did here at widths of 128 to 512 (docs/experiments.md, «Learning rates of tuning by width»). At 4 096
 * they are within a factor of two of the literature's: 2e-4 for adapters (Dettmers et al. 2023), 2e-5 for all weights (Wang et al. 2023).
 */

import type { Way } from '../run/tuned-files.ts';

const TIMES_WIDTH: Readonly<Record<Way, number>> = { lora: 0.5, full: 0.1 };
/** Not measured: TRL's for DPO, 1e-6, and ten times as much for adapters, as its guide says, taken to be of a width of 4 096. */
const PREFERENCES_TIMES_WIDTH: Readonly<Record<Way, number>> = { lora: 0.04, full: 0.004 };

export function learningRateFor(way: Way, width: number, preferences: boolean): number {
  const times = preferences ? PREFERENCES_TIMES_WIDTH : TIMES_WIDTH;
  return Number((times[way] / width).toPrecision(2));
}
