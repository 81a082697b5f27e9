/** Shares of the ratings with their intervals of 95 % (Wilson's score interval, 1927). */
import { type Interval, wilsonInterval } from '@tunan/classifier/proportion';
import type { AuditResult } from './audit-corpus.ts';
import { RATINGS, type Rating } from './ratings.ts';

export interface RatedShare {
  rating: Rating;
  documents: number;
  share: number;
  interval: Interval;
}

/** Nothing rated says nothing: the interval is then from 0 to 1. */
export function ratedShares({ counts, rated }: AuditResult): RatedShare[] {
  return RATINGS.map((rating) => {
    const documents = counts[rating];
    const share = rated === 0 ? 0 : documents / rated;
    return { rating, documents, share, interval: rated === 0 ? { low: 0, high: 1 } : wilsonInterval(documents, rated) };
  });
}
