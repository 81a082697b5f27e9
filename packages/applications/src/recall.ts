/**
 * Which earlier turns of a conversation stand in the prompt: the last ones, and of those before them the most similar to the new input, by
 * SimHash over pairs of characters, weighed down with age: similarity × 0.8^((n - i) / n) for turn i of n, as Yuan's many-turn example does.
 */
import type { AppTurn } from '@tunan/protocol';

export interface RecallOptions {
  /** Turns that are kept whatever they say. */
  readonly keep: number;
  /** Turns that are recalled from before those. */
  readonly similar: number;
}

/** In their order. */
export function recallTurns(turns: readonly AppTurn[], input: string, { keep, similar }: RecallOptions): AppTurn[] {
  const kept = keep === 0 ? [] : turns.slice(-keep);
  const earlier = turns.slice(0, turns.length - kept.length);
  const asked = simHash(input);
  const n = turns.length;
  const weighed = earlier.map((turn, i) => {
    return { turn, i, weight: similarity(asked, simHash(turn.input + turn.output)) * 0.8 ** ((n - i) / n) };
  });
  const recalled = weighed
    .sort((a, b) => b.weight - a.weight || b.i - a.i)
    .slice(0, similar)
    .sort((a, b) => a.i - b.i);
  return [...recalled.map(({ turn }) => turn), ...kept];
}

/** 64 bits, as two halves. */
type Hash = readonly [number, number];

/** Of the pairs of characters of a text, white space and marks left out. */
export function simHash(text: string): Hash {
  const characters = Array.from(text).filter((character) => /[\p{L}\p{N}]/u.test(character));
  const votes = new Int32Array(64);
  for (let place = 0; place < Math.max(1, characters.length - 1); place++) {
    const pair = `${characters[place] ?? ''}${characters[place + 1] ?? ''}`;
    const halves = [fnv(pair, 0x811c9dc5), fnv(pair, 0x01000193)];
    for (let bit = 0; bit < 64; bit++) votes[bit]! += (halves[bit >> 5]! >>> (bit & 31)) & 1 ? 1 : -1;
  }
  const half = (from: number) =>
    votes.subarray(from, from + 32).reduce((bits, vote, bit) => (vote > 0 ? bits | (1 << bit) : bits), 0) >>> 0;
  return [half(0), half(32)];
}

/** Share of bits that are equal. */
export function similarity(one: Hash, other: Hash): number {
  return 1 - (ones(one[0] ^ other[0]) + ones(one[1] ^ other[1])) / 64;
}

function ones(bits: number): number {
  let count = 0;
  for (let left = bits >>> 0; left !== 0; left &= left - 1) count++;
  return count;
}

/** FNV-1a over UTF-16 units, mixed once more at the end so that all bits depend on all of them. */
function fnv(text: string, seed: number): number {
  let hash = seed;
  for (let place = 0; place < text.length; place++) hash = Math.imul(hash ^ text.charCodeAt(place), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
