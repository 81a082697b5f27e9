/**
 * Which of a context's sequences a new prompt takes, and how many of its tokens are there already.
 *
 * A sequence that has ended keeps its tokens until another takes its place, so that what begins alike need not be computed again: the
 * slot with the longest common beginning is taken and cut there; where the longest is in one that is still in use, it is copied. Prompts
 * of which a long beginning is just being computed wait for it. What was computed under one adapter serves no other. Computes nothing and
 * knows no library.
 */
import type { DecoderCache, Opening } from '../local/decoder.ts';

export class Slot implements DecoderCache {
  /** The sequence's number in the context. */
  readonly number: number;
  /** At its filled positions. */
  tokens: number[] = [];
  /** What it is to hold first; its beginning may not be computed yet. */
  prompt: readonly number[] = [];
  /** Under which its tokens were computed, and its prompt is to be. */
  adapter: string | undefined;
  isOpen = false;
  /** Counts up; 0 for one that was never used. */
  lastUse = 0;
  /** A step with it failed, so that nobody knows what it holds. */
  isBroken = false;

  constructor(number: number) {
    this.number = number;
  }

  get length(): number {
    return this.tokens.length;
  }
}

/** The slot to take; its first `kept` tokens stay, after those of `copyFrom` have replaced all of them where it is given. */
export interface Place {
  readonly slot: Slot;
  readonly kept: number;
  readonly copyFrom: Slot | undefined;
}

/** Fewer common tokens are computed again, so that a kept beginning is not given up for them, nor a whole sequence copied. */
export const LEAST_SHARED = 32;

/** @param opening its prompt, the adapter, and how many tokens that are there already will do at most */
export function placeFor(
  slots: readonly Slot[],
  { ids: prompt, shared, adapter }: Pick<Opening, 'ids' | 'shared' | 'adapter'>,
): Place | 'full' | 'later' {
  const free = slots.filter(({ isOpen }) => !isOpen);
  const oldest = free.reduce<Slot | undefined>(
    (one, other) => (one && one.lastUse <= other.lastUse ? one : other),
    undefined,
  );
  if (oldest === undefined) return 'full';
  if (shared === 0) return { slot: oldest, kept: 0, copyFrom: undefined };
  // The last token of a prompt is computed in any case: its logits are wanted.
  const most = Math.min(shared, prompt.length - 1);
  const common = (slot: Slot, tokens: readonly number[] = slot.tokens) =>
    slot.adapter === adapter ? Math.min(most, commonBeginning(tokens, prompt)) : 0;
  const best = longest(slots, (slot) => (slot.isBroken ? 0 : common(slot)));
  const promised = longest(slots, (slot) =>
    slot.isOpen && slot.length < slot.prompt.length ? common(slot, slot.prompt) : 0,
  );
  if (promised.length >= best.length + LEAST_SHARED) return 'later';
  const bestFree = longest(free, (slot) => common(slot));
  if (best.length >= bestFree.length + LEAST_SHARED) return { slot: oldest, kept: best.length, copyFrom: best.slot };
  const kept = longest(free, (slot) => (isWorth(common(slot), slot) ? common(slot) : 0));
  if (kept.length > 0) return { slot: kept.slot, kept: kept.length, copyFrom: undefined };
  return { slot: oldest, kept: common(oldest), copyFrom: undefined };
}

/** All of what a slot holds, or much: then nothing goes that would be missed. */
const isWorth = (common: number, { length }: Slot): boolean => common >= Math.min(LEAST_SHARED, length);

function longest(
  slots: readonly Slot[],
  measure: (slot: Slot) => number,
): { readonly slot: Slot; readonly length: number } {
  return slots
    .map((slot) => ({ slot, length: measure(slot) }))
    .reduce((one, other) => (other.length > one.length ? other : one));
}

function commonBeginning(one: readonly number[], other: readonly number[]): number {
  const end = Math.min(one.length, other.length);
  let length = 0;
  while (length < end && one[length] === other[length]) length++;
  return length;
}
