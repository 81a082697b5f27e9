/**
 * The caches of all sequences, and of beginnings that sequences have left behind, within the bytes that they may take together.
 *
 * A sequence that begins like another, running or gone, takes over the positions that both have in common. What sequences leave behind
 * is kept as long as there is room, and let go when room is needed, the least recently used first; a running sequence's own
 * never. So the examples of an application, the turns of a conversation and the choices of one prompt are computed once.
 *
 * Exact: keys and values of a position depend on the tokens up to it alone, so positions of equal beginnings are equal, up to the last
 * bits of float arithmetic. Where a prompt is read in both directions they depend on the whole of it: then only the same prompt shares.
 */
import type { KeyValueCache } from '@tunan/model';
import type { Opening } from '../local/decoder.ts';
import { PrefixTree } from '../local/prefix-tree.ts';

interface Entry {
  readonly cache: KeyValueCache;
  /** The tokens of its positions; of a running sequence the prompt, though not all of it may be computed. */
  readonly ids: readonly number[];
  readonly bothWays: boolean;
  readonly isRunning: boolean;
}

/** Fewer positions in common are not worth a copy, nor waiting for. */
const LEAST_SHARED = 16;
/** A cache that is kept gives this share of itself back where it is empty. */
const LARGEST_WASTE = 0.25;

export interface PrefixCacheParts {
  /** An empty cache for so many positions. */
  readonly create: (capacity: number) => KeyValueCache;
  /** What a cache of a capacity takes. */
  readonly bytes: (capacity: number) => number;
  /** What all may take together. */
  readonly limit: number;
}

export class PrefixCache {
  readonly #parts: PrefixCacheParts;
  readonly #causal = new PrefixTree<Entry>();
  readonly #bothWays = new PrefixTree<Entry>();
  readonly #running = new Map<KeyValueCache, Entry>();
  /** The least recently used first: who takes a beginning over leaves it again, so that only the whole of an entry is ever used. */
  readonly #kept = new Set<Entry>();
  #usedBytes = 0;
  #keptBytes = 0;

  constructor(parts: PrefixCacheParts) {
    this.#parts = parts;
  }

  /** What is kept of sequences that have ended. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** As Decoder.open has it. */
  open(opening: Opening): KeyValueCache | 'full' | 'later' {
    const { ids, capacity, bothWays, share } = opening;
    const source = share ? this.#source(opening) : undefined;
    if (source === 'later') return 'later';
    if (!this.#makeRoom(this.#parts.bytes(capacity), source?.entry)) return 'full';
    const cache = source?.entry.cache.fork(source.length, capacity) ?? this.#parts.create(capacity);
    this.#usedBytes += this.#parts.bytes(cache.capacity);
    // It could only be spared by not counting it: there was no room for both.
    if (this.#usedBytes > this.#parts.limit && source !== undefined) this.#letGo(source.entry);
    const entry = { cache, ids, bothWays, isRunning: true };
    this.#running.set(cache, entry);
    this.#treeOf(entry).add(ids, entry);
    return cache;
  }

  /** As Decoder.close has it. */
  close(cache: KeyValueCache, ids: readonly number[]): void {
    const running = this.#running.get(cache);
    if (running === undefined) throw new Error('the cache is not open');
    this.#running.delete(cache);
    this.#treeOf(running).remove(running);
    const { bothWays } = running;
    const prompt = running.ids.length;
    const left = !bothWays ? ids : ids.length < prompt ? [] : ids.slice(0, prompt);
    this.#keep({ cache, ids: left, bothWays, isRunning: false });
  }

  dispose(): void {
    for (const entry of [...this.#kept]) this.#letGo(entry);
  }

  #treeOf({ bothWays }: Pick<Entry, 'bothWays'>): PrefixTree<Entry> {
    return bothWays ? this.#bothWays : this.#causal;
  }

  /** Where to take the longest beginning from; 'later' where a running sequence is about to compute a longer one. */
  #source(opening: Opening): { readonly entry: Entry; readonly length: number } | 'later' | undefined {
    const { ids, bothWays } = opening;
    let best: { readonly entry: Entry; readonly length: number } | undefined;
    let promised = 0;
    for (const { entry, length: common } of this.#treeOf(opening).along(ids)) {
      if (common < LEAST_SHARED || (best !== undefined && common <= best.length)) break;
      if (bothWays && (common < ids.length || entry.ids.length > common)) continue;
      // The last token of the prompt is always fed: its logits are wanted.
      const length = Math.min(common, ids.length - 1);
      const filled = Math.min(length, entry.cache.length);
      if (entry.isRunning && filled < length) promised = Math.max(promised, length);
      if (filled >= LEAST_SHARED && filled > (best?.length ?? 0)) best = { entry, length: filled };
    }
    if (promised >= (best?.length ?? 0) + LEAST_SHARED) return 'later';
    return best;
  }

  /** Keeps what a sequence leaves, unless as much is kept already; shorter beginnings of it are not needed beside it. */
  #keep(entry: Entry): void {
    const { ids, bothWays } = entry;
    const tree = this.#treeOf(entry);
    const shorter: Entry[] = [];
    let known: Entry | undefined;
    for (const { entry: other, length } of tree.along(ids)) {
      if (length < LEAST_SHARED || known !== undefined) break;
      if (other.isRunning) continue;
      if (length === ids.length && (!bothWays || other.ids.length === length)) known = other;
      else if (length === other.ids.length && !bothWays) shorter.push(other);
    }
    if (known !== undefined && this.#kept.delete(known)) this.#kept.add(known);
    if (known !== undefined || ids.length < LEAST_SHARED) {
      this.#dispose(entry.cache);
      return;
    }
    for (const other of shorter) this.#letGo(other);
    const kept = { ...entry, cache: this.#trimmed(entry) };
    tree.add(ids, kept);
    this.#kept.add(kept);
    this.#keptBytes += this.#parts.bytes(kept.cache.capacity);
  }

  #trimmed({ cache, ids }: Entry): KeyValueCache {
    if (cache.capacity - ids.length <= LARGEST_WASTE * cache.capacity) return cache;
    const trimmed = cache.fork(ids.length, ids.length);
    this.#usedBytes += this.#parts.bytes(trimmed.capacity);
    this.#dispose(cache);
    return trimmed;
  }

  /** @returns whether so many bytes are free, or will be when `source` goes too */
  #makeRoom(bytes: number, source: Entry | undefined): boolean {
    for (const entry of this.#kept) {
      if (this.#usedBytes + bytes <= this.#parts.limit) return true;
      if (entry !== source) this.#letGo(entry);
    }
    const spared = source !== undefined && this.#kept.has(source) ? this.#parts.bytes(source.cache.capacity) : 0;
    return this.#usedBytes - spared + bytes <= this.#parts.limit;
  }

  #letGo(entry: Entry): void {
    if (!this.#kept.delete(entry)) return;
    this.#treeOf(entry).remove(entry);
    this.#keptBytes -= this.#parts.bytes(entry.cache.capacity);
    this.#dispose(entry.cache);
  }

  #dispose(cache: KeyValueCache): void {
    this.#usedBytes -= this.#parts.bytes(cache.capacity);
    cache.dispose();
  }
}
