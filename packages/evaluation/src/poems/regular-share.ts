/** How many poems have a regular form, beside those that were learnt. */
import { isRegular } from '@tunan/applications/verse';

export interface RegularShare {
  readonly samples: number;
  /** Share of the samples in regular form. */
  readonly share: number;
  /** Of the real documents. */
  readonly real: number;
}

/** @param documents real ones, of the corpus that was learnt */
export function regularShare(samples: readonly string[], documents: readonly string[]): RegularShare {
  const share = (texts: readonly string[]) => texts.filter(isRegular).length / Math.max(1, texts.length);
  return { samples: samples.length, share: share(samples), real: share(documents) };
}
