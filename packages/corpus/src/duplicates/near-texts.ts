/**
 * Texts that nearly say what one of some others says: for leaving out of what is learnt what is held out. Candidates are found by MinHash and
 * judged by the similarity of their sets of n-grams. What a good part of the others have in common, such as an instruction that stands in
 * front of each, says nothing and does not count.
 */
import { similarEnough } from './jaccard.ts';
import { BandHasher, contentUnits, shingles } from './shingles.ts';

const NGRAM = 4;
/** Pairs of similarity 0.8 are candidates with a probability above 0.999. */
const [BANDS, ROWS] = [32, 5];
const SIMILARITY = 0.8;
/** An n-gram of more of the others than these counts for nothing. */
const COMMON_TEXTS = 5;
const COMMON_SHARE = 0.05;
/** Fewer n-grams of its own and a text is not judged. */
const LEAST = 8;

export class NearTexts {
  readonly #common: ReadonlySet<number>;
  readonly #sets: Uint32Array[] = [];
  /** Numbers of sets by band and key. */
  readonly #byKey = new Map<string, number[]>();
  readonly #hasher = new BandHasher(BANDS, ROWS);
  readonly #keys = new Uint32Array(BANDS);

  constructor(others: Iterable<string>) {
    const all = Array.from(others, (text) => shingles(contentUnits(text), NGRAM));
    const counts = new Map<number, number>();
    for (const set of all) for (const one of set) counts.set(one, (counts.get(one) ?? 0) + 1);
    const most = Math.max(COMMON_TEXTS, COMMON_SHARE * all.length);
    this.#common = new Set([...counts].flatMap(([one, count]) => (count > most ? [one] : [])));
    for (const set of all) this.#add(this.#own(set));
  }

  has(text: string): boolean {
    const set = this.#own(shingles(contentUnits(text), NGRAM));
    if (set.length < LEAST) return false;
    return this.#keysOf(set).some((key) =>
      (this.#byKey.get(key) ?? []).some((number) => similarEnough(set, this.#sets[number]!, SIMILARITY)),
    );
  }

  #own(set: Uint32Array): Uint32Array {
    return set.filter((one) => !this.#common.has(one));
  }

  #add(set: Uint32Array): void {
    if (set.length < LEAST) return;
    for (const key of this.#keysOf(set)) {
      const numbers = this.#byKey.get(key);
      if (numbers === undefined) this.#byKey.set(key, [this.#sets.length]);
      else numbers.push(this.#sets.length);
    }
    this.#sets.push(set);
  }

  #keysOf(set: Uint32Array): string[] {
    this.#hasher.hash(set, this.#keys, 0);
    return Array.from(this.#keys, (key, band) => `${band}:${key}`);
  }
}
