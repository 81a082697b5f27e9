/** Texts of a grammar for tests: whether one belongs to it, and random ones. */
import { Automaton, type State } from '../automaton.ts';
import type { Grammar } from '../expression.ts';
import { Network } from '../network.ts';

export interface Language {
  accepts(text: string): boolean;
  /** A random text, undefined where it would grow too long. @param random in [0, 1) */
  draw(random: () => number): string | undefined;
}

const LONGEST = 400;

export function languageOf(grammar: Grammar): Language {
  const automaton = new Automaton(new Network(grammar));
  const accepts = (text: string) => {
    let state: State | null = automaton.start;
    for (const byte of Buffer.from(text)) if (state !== null) state = automaton.step(state, byte);
    return state?.accepts ?? false;
  };
  const draw = (random: () => number) => {
    let state = automaton.start;
    const bytes: number[] = [];
    for (;;) {
      const here = state;
      const ways = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => automaton.step(here, byte) !== null);
      if (state.accepts && (ways.length === 0 || random() < 0.3)) return Buffer.from(bytes).toString('utf8');
      if (bytes.length > LONGEST) return undefined;
      // Closing marks more often than they would come by themselves, so that nested texts end.
      const closing = ways.filter((byte) => '"]},'.includes(String.fromCharCode(byte)));
      const among = closing.length > 0 && random() < 0.4 ? closing : ways;
      const byte = among[Math.floor(random() * among.length)]!;
      bytes.push(byte);
      state = automaton.step(state, byte)!;
    }
  };
  return { accepts, draw };
}

/** Numbers in [0, 1) that are the same at every run (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
