/**
 * Which of two Simplified forms a Traditional character has, by what stands beside it: 著 is 着 in 看著 and stays in 著作, 乾 is 干 in 餅乾
 * and stays in 乾隆. A linear model over characters and n-grams within three characters of the place, one for each of CHOICES, trained
 * on Simplified text (scripts/form-model/train.ts). Text is read with every form folded to one, so it does not matter which
 * of the characters around are Traditional still.
 */
import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { folded, REACH } from './character-forms.ts';
import { CHOICES, WORDS } from './choices.ts';

/** Weights are stored as whole numbers of this many to one natural log odd. */
export const WEIGHT_SCALE = 12;
/** What a word says: beyond what the model can, or no more than a Traditional sentence needs. */
const CERTAIN = 40;
const ENOUGH_IN_TRADITIONAL = 1;
/** What is said where no word does, of characters that the model does not know. */
const OTHERWISE = 20;
/** Between the two. */
export const WORD_ALONE = 30;
export const KEYS = 13;

/**
 * The features of a place, as hashes: no text is stored. The first is the character itself, whatever stands beside it.
 * @param units the context of a place (character-forms.ts)
 */
export function contextKeys(units: Uint16Array, choice: number, keys: Uint32Array): void {
  const at = REACH;
  const [l3, l2, l1] = [units[at - 3]!, units[at - 2]!, units[at - 1]!];
  const [r1, r2, r3] = [units[at + 1]!, units[at + 2]!, units[at + 3]!];
  keys[0] = key(choice, 0, 0, 0, 0);
  keys[1] = key(choice, 1, l1, 0, 0);
  keys[2] = key(choice, 2, r1, 0, 0);
  keys[3] = key(choice, 3, l2, 0, 0);
  keys[4] = key(choice, 4, r2, 0, 0);
  keys[5] = key(choice, 5, l2, l1, 0);
  keys[6] = key(choice, 6, r1, r2, 0);
  keys[7] = key(choice, 7, l1, r1, 0);
  keys[8] = key(choice, 8, l3, l2, l1);
  keys[9] = key(choice, 9, r1, r2, r3);
  keys[10] = key(choice, 10, l2, l1, r1);
  keys[11] = key(choice, 11, l1, r1, r2);
  keys[12] = key(choice, 12, l1, r2, 0);
}

function key(choice: number, kind: number, a: number, b: number, c: number): number {
  let hash = Math.imul(choice * 16 + kind + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15) ^ a, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13) ^ b, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 16) ^ c, 0x27d4eb2f);
  return (hash ^ (hash >>> 15)) >>> 0;
}

interface Word {
  units: Uint16Array;
  at: number;
  score: number;
}

/** Words by choice, the longest first. */
const wordsOf: readonly (readonly Word[])[] = CHOICES.map(({ character }) => {
  const { keep = '', change = '', either = '' } = WORDS[character] ?? {};
  const words = [
    ...placesIn(keep, character, -CERTAIN),
    ...placesIn(change, character, CERTAIN),
    ...placesIn(either, character, ENOUGH_IN_TRADITIONAL),
  ];
  return words.sort((a, b) => b.units.length - a.units.length);
});

function placesIn(words: string, character: string, score: number): Word[] {
  const form = folded(character)[0]!;
  return words.split(' ').flatMap((word) => {
    const units = folded(word);
    return [...units.keys()].filter((at) => units[at] === form).map((at) => ({ units, at, score }));
  });
}

const keys = new Uint32Array(KEYS);
let model: { keys: Uint32Array; weights: Int8Array } | undefined;

/** Natural log odds that a character of this choice with this context takes its form `change` rather than `keep`. */
export function evidence(units: Uint16Array, choice: number): number {
  for (const word of wordsOf[choice]!) if (stands(word, units)) return word.score;
  const { otherwise } = CHOICES[choice]!;
  if (otherwise !== undefined) return otherwise === 'change' ? OTHERWISE : -OTHERWISE;
  model ??= readModel();
  contextKeys(units, choice, keys);
  let sum = 0;
  for (const hash of keys) sum += weightOf(hash, model);
  return sum / WEIGHT_SCALE;
}

function stands({ units: word, at }: Word, units: Uint16Array): boolean {
  for (let i = 0; i < word.length; i++) if (units[REACH - at + i] !== word[i]) return false;
  return true;
}

function weightOf(hash: number, { keys, weights }: NonNullable<typeof model>): number {
  for (let slot = hash & (keys.length - 1); keys[slot] !== 0; slot = (slot + 1) & (keys.length - 1)) {
    if (keys[slot] === hash) return weights[slot]!;
  }
  return 0;
}

/** The file: keys in ascending order as differences of seven bits a byte, then a weight for each; open addressing in memory. */
function readModel(): NonNullable<typeof model> {
  const bytes = brotliDecompressSync(readFileSync(new URL('./form-model.bin', import.meta.url)));
  const count = bytes.readUInt32LE(0);
  const slots = 2 ** Math.ceil(Math.log2(2 * count + 1));
  const table = { keys: new Uint32Array(slots), weights: new Int8Array(slots) };
  const weightsFrom = bytes.length - count;
  let [at, hash] = [4, 0];
  for (let i = 0; i < count; i++) {
    let [difference, shift] = [0, 1];
    for (; bytes[at]! >= 0x80; shift *= 0x80) difference += (bytes[at++]! & 0x7f) * shift;
    hash += difference + bytes[at++]! * shift;
    let slot = hash & (slots - 1);
    while (table.keys[slot] !== 0) slot = (slot + 1) & (slots - 1);
    table.keys[slot] = hash;
    table.weights[slot] = bytes.readInt8(weightsFrom + i);
  }
  return table;
}
