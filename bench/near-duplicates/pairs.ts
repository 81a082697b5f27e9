/** Pairs of passages: an original out of real texts and a copy after seeded edits, from a letter changed to a rewrite. */
import { seededRandom } from '../seeded-random.ts';

export interface Passage {
  id: string;
  text: string;
}

/**
 * `count` pairs; a passage has 200 to 2 000 characters and is cut out of one of `texts`, each text once before any twice,
 * so that few passages overlap and a pair is mostly near to its own copy alone.
 */
export function makePairs(texts: string[], count: number, seed: number): [original: Passage, copy: Passage][] {
  const random = seededRandom(seed);
  const long = texts.filter((text) => text.length >= 400);
  for (let i = long.length - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    [long[i], long[other]] = [long[other]!, long[i]!];
  }
  return Array.from({ length: count }, (_, i) => {
    const text = long[i % long.length]!;
    const length = Math.min(text.length, Math.floor(200 * 10 ** random()));
    const start = Math.floor(random() * (text.length - length + 1));
    const passage = text.slice(start, start + length);
    // From one edit in two thousand characters to one in eight, spread over the decades between.
    const rate = 0.0005 * 250 ** random();
    const copy = edit(passage, rate, text, random);
    return [
      { id: `${i}a`, text: passage },
      { id: `${i}b`, text: copy },
    ];
  });
}

/** Substitutions, deletions, insertions and moved sentences at about `rate` edits a character; `pool` gives the new text. */
function edit(passage: string, rate: number, pool: string, random: () => number): string {
  const take = (most: number) => {
    const length = 1 + Math.floor(random() * most);
    const at = Math.floor(random() * Math.max(1, pool.length - length));
    return pool.slice(at, at + length);
  };
  let text = passage;
  const edits = Math.max(1, Math.round(rate * passage.length));
  for (let k = 0; k < edits; k++) {
    const at = Math.floor(random() * text.length);
    const kind = random();
    if (kind < 0.4) text = `${text.slice(0, at)}${take(1)}${text.slice(at + 1)}`;
    else if (kind < 0.6) text = text.slice(0, at) + text.slice(at + 1 + Math.floor(random() * 8));
    else if (kind < 0.8) text = `${text.slice(0, at)}${take(8)}${text.slice(at)}`;
    else if (kind < 0.9) text = `${take(3)}${text}${take(20)}`;
    else text = moved(text, random);
  }
  return text;
}

/** A sentence put at the end. */
function moved(text: string, random: () => number): string {
  const sentences = text.split(/(?<=[。！？\n])/);
  const [sentence] = sentences.splice(Math.floor(random() * sentences.length), 1);
  return sentences.join('') + sentence;
}

/** The exact truth: n-grams of letters, digits and ideographs as strings, nothing hashed. */
export function exactJaccard(a: string, b: string, n: number): number {
  const [x, y] = [grams(a, n), grams(b, n)];
  let both = 0;
  for (const gram of x) if (y.has(gram)) both++;
  const union = x.size + y.size - both;
  return union === 0 ? 0 : both / union;
}

function grams(text: string, n: number): Set<string> {
  const content = text.replace(/[^\p{L}\p{N}]/gu, '');
  const set = new Set<string>();
  for (let i = 0; i + n <= content.length; i++) set.add(content.slice(i, i + n));
  return set;
}
