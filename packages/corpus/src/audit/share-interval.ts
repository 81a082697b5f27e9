/** Shares of the ratings with their intervals of 95 % (Wilson's score interval, 1927). */
import type { AuditResult } from './audit-corpus.ts';
import { RATINGS, type Rating } from './ratings.ts';

export type RatedShare = { rating: Rating; documents: number; share: number; interval: { low: number; high: number } };

/** The 0.975 quantile of the standard normal distribution. */
const Z = 1.959963984540054;

/** Nothing rated says nothing: the interval is then from 0 to 1. */
export function ratedShares({ counts, rated }: AuditResult): RatedShare[] {
  return RATINGS.map((rating) => {
    const documents = counts[rating];
    const share = rated === 0 ? 0 : documents / rated;
    return { rating, documents, share, interval: wilson(documents, rated) };
  });
}

function wilson(successes: number, trials: number): { low: number; high: number } {
  if (trials === 0) return { low: 0, high: 1 };
  const share = successes / trials;
  const spread = (Z * Z) / trials;
  const centre = (share + spread / 2) / (1 + spread);
  const half = (Z / (1 + spread)) * Math.sqrt((share * (1 - share) + spread / 4) / trials);
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
