/** What checks of verse say. */

export interface Spoken {
  readonly zh: string;
  readonly en: string;
}

export interface Judgement {
  readonly passed: boolean;
  /** What was found right, or every fault. */
  readonly message: Spoken;
}

/** More faults than this are counted. */
const TOLD = 4;

/** @param faults at least one */
export function refusedFor(faults: readonly Spoken[]): Judgement {
  const told = faults.slice(0, TOLD);
  const left = faults.length - told.length;
  return {
    passed: false,
    message: {
      zh: told.map(({ zh }) => zh).join('；') + (left > 0 ? `；另有 ${left} 处` : ''),
      en: told.map(({ en }) => en).join('; ') + (left > 0 ? `; and ${left} more` : ''),
    },
  };
}
