/**
 * What computes logits on this machine, as the engine above it sees it: caches are opened, fed and closed, and a feed gives logits.
 *
 * Everything that does not depend on who computes is above: queue and batch (scheduler.ts), penalties, drawing and text (sequence.ts).
 * A decoder knows the model, its memory, and which beginnings it has kept; it knows no request. Two ways to fill it:
 *
 * - torch: `extend` is synchronous, a cache is a KeyValueCache, kept beginnings are forks of caches.
 * - llama.cpp: `extend` puts all segments into one batch and answers when another thread has computed it; a cache is a numbered sequence
 *   of one context. `open` takes the free sequence whose tokens begin most like the prompt and cuts it there (or copies one that is in
 *   use), and answers 'full' where every sequence is in use. `close` leaves the tokens in the sequence for the next one.
 */
import type { PromptAttention } from '@tunan/model';
import type { EngineKind } from '../../engine.ts';
import type { Draw } from '../../token-choice.ts';

/** Keys and values of one sequence. */
export interface DecoderCache {
  /** Positions filled. */
  readonly length: number;
}

/** A sequence that is to be decoded. */
export interface Opening {
  /** Its prompt. */
  readonly ids: readonly number[];
  /** Positions that it will have at most, `capacityLimit` at most. */
  readonly capacity: number;
  /** The prompt is read in both directions, so that its positions are good for the same whole prompt only. */
  readonly bothWays: boolean;
  /** So many positions at the beginning may be taken over at most; of those behind the logits are wanted. */
  readonly shared: number;
  /** Name of the adapter under which it is computed; what was computed under another, or under none, does not serve it. */
  readonly adapter?: string | undefined;
}

/** New tokens of one sequence, which go behind what its cache holds. */
export interface Segment<Cache extends DecoderCache> {
  readonly cache: Cache;
  readonly ids: readonly number[];
  /** At which of the new positions the logits are wanted. */
  readonly logits: 'none' | 'last' | 'all';
  /** The new tokens see each other in both directions. They are a whole prompt then. */
  readonly bothWays: boolean;
  /** That of its opening. */
  readonly adapter: string | undefined;
  /** A decoder that can draw by itself may do so instead of giving the logits of the last position. */
  readonly draw: Draw | undefined;
}

/** What came of a segment: the rows asked for, (rows, V) flat and free to be changed, or the token that was drawn. */
export type Outcome = { readonly logits: Float32Array } | { readonly token: number };

export interface Decoder<Cache extends DecoderCache> extends Disposable {
  readonly kind: EngineKind;
  /** 'cpu', 'cuda:0', 'metal' … */
  readonly device: string;
  /** The most positions of a sequence. */
  readonly contextLength: number;
  /** V: logits of a position. Not less than the tokenizer's; what is above is padding. */
  readonly vocabularySize: number;
  readonly promptAttention: PromptAttention;
  /** The most positions that one cache may have, from the memory that all caches share. */
  readonly capacityLimit: number;
  /** What is kept of sequences that have ended. */
  readonly keptBytes: number;

  /**
   * A cache for a sequence; its length says how many tokens of the prompt it holds already, one less than all at most.
   *
   * Refusals are for now: 'full' while open sequences leave no room (never when none is open), 'later' while an open one is computing
   * a beginning that this one can share by waiting.
   */
  open(opening: Opening): Cache | 'full' | 'later';

  /**
   * Feeds tokens and puts their keys and values into the caches. Between call and result no cache is opened or closed, and there is
   * no other call.
   */
  extend(segments: readonly Segment<Cache>[]): readonly Outcome[] | Promise<readonly Outcome[]>;

  /** The states of the last layer, averaged over the positions of a sequence that is not kept, (C); absent where there are none to be had. */
  meanHidden?(ids: readonly number[], adapter: string | undefined): Float32Array | Promise<Float32Array>;

  /** The sequence has ended. @param ids the tokens at its filled positions, to be kept for others; empty where they must not be */
  close(cache: Cache, ids: readonly number[]): void;
}
