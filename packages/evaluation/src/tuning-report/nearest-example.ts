/**
 * The answer of the nearest example: what is learnt from is searched for the prompt that shares most runs of one to three characters with a
 * new one, each weighing by how few prompts have it (cosine of tf-idf). What a model adds to its examples, it must add to this.
 */

const LONGEST = 3;

export class NearestExample {
  readonly #answers: readonly string[];
  /** Of each run of characters: the examples that have it, and how much it weighs there. */
  readonly #places = new Map<string, { readonly examples: number[]; readonly weights: number[] }>();
  readonly #rarity = new Map<string, number>();

  constructor(examples: readonly { readonly prompt: string; readonly answer: string }[]) {
    this.#answers = examples.map(({ answer }) => answer);
    const counted = examples.map(({ prompt }) => runs(prompt));
    const documents = new Map<string, number>();
    for (const counts of counted) for (const run of counts.keys()) documents.set(run, (documents.get(run) ?? 0) + 1);
    for (const [run, count] of documents) this.#rarity.set(run, Math.log((1 + examples.length) / count));
    counted.forEach((counts, example) => {
      for (const [run, weight] of this.#weighed(counts)) {
        const place = this.#places.get(run) ?? { examples: [], weights: [] };
        place.examples.push(example);
        place.weights.push(weight);
        this.#places.set(run, place);
      }
    });
  }

  /** Of several equally near ones the first. */
  answer(prompt: string): string {
    const nearness = new Float64Array(this.#answers.length);
    for (const [run, weight] of this.#weighed(runs(prompt))) {
      const place = this.#places.get(run);
      place?.examples.forEach((example, i) => {
        nearness[example]! += weight * place.weights[i]!;
      });
    }
    let best = 0;
    for (let i = 1; i < nearness.length; i++) if (nearness[i]! > nearness[best]!) best = i;
    return this.#answers[best] ?? '';
  }

  /** Of length 1, so that long prompts are not near to everything. */
  #weighed(counts: ReadonlyMap<string, number>): [string, number][] {
    const weighed = [...counts].map(([run, count]): [string, number] => [
      run,
      (1 + Math.log(count)) * (this.#rarity.get(run) ?? 0),
    ]);
    const length = Math.sqrt(weighed.reduce((sum, [, weight]) => sum + weight ** 2, 0)) || 1;
    return weighed.map(([run, weight]) => [run, weight / length]);
  }
}

function runs(text: string): Map<string, number> {
  const characters = [...text.replace(/\s+/gu, ' ').trim()];
  const counts = new Map<string, number>();
  for (let length = 1; length <= LONGEST; length++) {
    for (let end = length; end <= characters.length; end++) {
      const run = characters.slice(end - length, end).join('');
      counts.set(run, (counts.get(run) ?? 0) + 1);
    }
  }
  return counts;
}
