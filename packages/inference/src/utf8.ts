/**
 * How far a run of bytes is inside a UTF-8 character, as a state that bytes move on (Unicode 16, table 3-7).
 *
 * Generation asks it which tokens may come next: byte-level vocabularies have tokens that are parts of characters, and
 * nothing but this keeps a model from putting parts together that make no character.
 */

/** No character is open. */
export const WHOLE = 0;
/** The bytes are no UTF-8. */
export const MALFORMED = 8;
/** States from WHOLE on; behind it: one, two, three bytes are missing; behind E0, ED, F0, F4, which narrow the next byte. */
export const STATES = 8;

const CONTINUATIONS: readonly [state: number, from: number, to: number, next: number][] = [
  [1, 0x80, 0xbf, WHOLE],
  [2, 0x80, 0xbf, 1],
  [3, 0x80, 0xbf, 2],
  [4, 0xa0, 0xbf, 1], // no overlong form
  [5, 0x80, 0x9f, 1], // no surrogate
  [6, 0x90, 0xbf, 2], // no overlong form
  [7, 0x80, 0x8f, 2], // nothing above U+10FFFF
];

const LEADS: readonly [from: number, to: number, next: number][] = [
  [0x00, 0x7f, WHOLE],
  [0xc2, 0xdf, 1],
  [0xe0, 0xe0, 4],
  [0xe1, 0xec, 2],
  [0xed, 0xed, 5],
  [0xee, 0xef, 2],
  [0xf0, 0xf0, 6],
  [0xf1, 0xf3, 3],
  [0xf4, 0xf4, 7],
];

const NEXT = buildTable();

function buildTable(): Uint8Array {
  const next = new Uint8Array(STATES * 256).fill(MALFORMED);
  for (const [from, to, state] of LEADS) next.fill(state, from, to + 1);
  for (const [state, from, to, then] of CONTINUATIONS) next.fill(then, state * 256 + from, state * 256 + to + 1);
  return next;
}

/** The state after `bytes`, or MALFORMED as soon as they cannot be UTF-8. */
export function follow(state: number, bytes: Uint8Array): number {
  let now = state;
  for (const byte of bytes) {
    now = NEXT[now * 256 + byte]!;
    if (now === MALFORMED) return MALFORMED;
  }
  return now;
}

/** The bytes at the end that begin a character and do not finish it; empty where none is open. */
export function unfinishedEnd(bytes: Uint8Array): Uint8Array {
  for (let length = 1; length <= Math.min(3, bytes.length); length++) {
    const end = bytes.subarray(bytes.length - length);
    const state = follow(WHOLE, end);
    if (state === WHOLE) break;
    if (state !== MALFORMED) return end;
  }
  return bytes.subarray(bytes.length);
}
