/**
 * Which solved examples share text with a question: a passage that both are about, or the very question. A prompt that shows
 * such an example shows (part of) the answer, and a score made so says less than it seems to.
 *
 * Compared are letters and digits alone, after NFKC and in lower case. A passage is a run of 20 of them in any field.
 */

import type { Example } from '../tasks/task.ts';

export interface FoundText {
  /** All examples that share a passage or are the question. */
  readonly all: ReadonlySet<Example>;
  /** Whether the question itself is among the examples. */
  readonly same: boolean;
}

const PASSAGE = 20;

export class SharedText {
  readonly #byRun = new Map<string, Set<Example>>();
  readonly #byFields = new Map<string, Set<Example>>();

  constructor(pool: readonly Example[]) {
    for (const example of pool) {
      add(this.#byFields, wholeOf(example), example);
      for (const field of lettersOf(example)) for (const run of runsOf(field)) add(this.#byRun, run, example);
    }
  }

  find(question: Example): FoundText {
    const same = this.#byFields.get(wholeOf(question));
    const all = new Set(same);
    for (const field of lettersOf(question)) {
      for (const run of runsOf(field)) for (const example of this.#byRun.get(run) ?? []) all.add(example);
    }
    return { all, same: same !== undefined };
  }
}

function add(map: Map<string, Set<Example>>, key: string, example: Example): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, new Set([example]));
  else known.add(example);
}

function wholeOf(example: Example): string {
  return lettersOf(example).join('\n');
}

function lettersOf({ fields }: Example): string[] {
  return Object.values(fields).map((text) =>
    text
      .normalize('NFKC')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]/gu, ''),
  );
}

function* runsOf(letters: string): Generator<string> {
  for (let i = 0; i + PASSAGE <= letters.length; i++) yield letters.slice(i, i + PASSAGE);
}
