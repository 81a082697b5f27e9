/** Cosine of character pairs weighted by how rare they are (tf-idf): which texts of a small pool are like a given one. */

export class CharacterSimilarity {
  readonly #rarity: ReadonlyMap<string, number>;
  readonly #pool: readonly ReadonlyMap<string, number>[];

  constructor(pool: readonly string[]) {
    const counts = pool.map(pairCounts);
    const documents = new Map<string, number>();
    for (const one of counts) for (const pair of one.keys()) documents.set(pair, (documents.get(pair) ?? 0) + 1);
    this.#rarity = new Map([...documents].map(([pair, count]) => [pair, Math.log((1 + pool.length) / count)]));
    this.#pool = counts.map((one) => this.#weigh(one));
  }

  /** Of the text with every text of the pool, 0 to 1. */
  scores(text: string): number[] {
    const own = this.#weigh(pairCounts(text));
    return this.#pool.map((other) => {
      const [small, large] = own.size < other.size ? [own, other] : [other, own];
      let sum = 0;
      for (const [pair, weight] of small) sum += weight * (large.get(pair) ?? 0);
      return sum;
    });
  }

  /** Unit length; pairs that the pool does not have are like nothing in it. */
  #weigh(counts: ReadonlyMap<string, number>): Map<string, number> {
    const weights = [...counts].map(([pair, count]) => [pair, count * (this.#rarity.get(pair) ?? 0)] as const);
    const length = Math.sqrt(weights.reduce((sum, [, weight]) => sum + weight * weight, 0)) || 1;
    return new Map(weights.filter(([, weight]) => weight > 0).map(([pair, weight]) => [pair, weight / length]));
  }
}

function pairCounts(text: string): Map<string, number> {
  const characters = [...text];
  const counts = new Map<string, number>();
  for (let i = 0; i + 1 < characters.length; i++) {
    const pair = characters[i]! + characters[i + 1]!;
    counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  return counts;
}
