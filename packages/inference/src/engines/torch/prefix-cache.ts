/**
 * The caches of all sequences, and of beginnings that sequences have left behind, within the bytes that they may take together.
 *
 * A sequence that begins like another, running or gone, takes over the positions that both have in common. What sequences leave behind
 * is kept as long as there is room, and let go when room is needed, the least recently used first; a running sequence's own
 * never. So the examples of an application, the turns of a conversation and the choices of one prompt are computed once.
 *
 * Exact: keys and values of a position depend on the tokens up to it alone, so positions of equal beginnings are equal, up to the last
 * bits of float arithmetic. Where a prompt is read in both directions they depend on the whole of it: then only the same prompt shares.
 * What was computed under an adapter serves that adapter alone.
 */
import { type Block, KeyValueCache, type KeyValuePool } from '@tunan/model';
import { CACHE_POSITIONS } from '@tunan/torch';
import type { Opening } from '../local/decoder.ts';
import { PrefixTree } from '../local/prefix-tree.ts';

interface Entry {
  readonly cache: KeyValueCache;
  /** The tokens of its positions; of a running sequence the prompt, though not all of it may be computed. */
  readonly ids: readonly number[];
  readonly bothWays: boolean;
  readonly adapter: string | undefined;
  readonly isRunning: boolean;
}

interface Source {
  readonly entry: Entry;
  /** Positions at its beginning that are good. */
  readonly length: number;
}

/** Fewer positions in common are not worth a copy, nor waiting for. */
const LEAST_SHARED = 16;

export class PrefixCache {
  readonly #pool: KeyValuePool;
  /** By way of reading and adapter. */
  readonly #trees = new Map<string, PrefixTree<Entry>>();
  readonly #running = new Map<KeyValueCache, Entry>();
  /** The least recently used first: who takes a beginning over leaves it again, so that only the whole of an entry is ever used. */
  readonly #kept = new Set<Entry>();

  /** @param pool of which there are no other users; its bound is that of all caches */
  constructor(pool: KeyValuePool) {
    this.#pool = pool;
  }

  /** What is kept of sequences that have ended and no running one holds. */
  get keptBytes(): number {
    return this.#pool.usedBytes - this.#heldBlocks().size * this.#pool.blockBytes;
  }

  /** As Decoder.open has it. */
  open(opening: Opening): KeyValueCache | 'full' | 'later' {
    const { ids, capacity, bothWays, adapter } = opening;
    const source = this.#source(opening);
    if (source === 'later') return 'later';
    if (!this.#hasRoom(capacity, source)) return 'full';
    const cache = this.#begin(source, capacity);
    const entry = { cache, ids, bothWays, adapter, isRunning: true };
    this.#running.set(cache, entry);
    this.#treeOf(entry).add(ids, entry);
    this.#makeRoom(this.#growth());
    return cache;
  }

  /** As Decoder.close has it. */
  close(cache: KeyValueCache, ids: readonly number[]): void {
    const running = this.#running.get(cache);
    if (running === undefined) throw new Error('the cache is not open');
    this.#running.delete(cache);
    this.#treeOf(running).remove(running);
    const { bothWays, adapter } = running;
    const prompt = running.ids.length;
    const left = !bothWays ? ids : ids.length < prompt ? [] : ids.slice(0, prompt);
    this.#keep({ cache, ids: left, bothWays, adapter, isRunning: false });
  }

  dispose(): void {
    for (const entry of [...this.#kept]) this.#letGo(entry);
  }

  /** Whether a sequence could have all its positions if only running ones held any. */
  #hasRoom(capacity: number, source: Source | undefined): boolean {
    const { blockBytes, limitBytes } = this.#pool;
    const held = this.#heldBlocks();
    const whole = source?.entry.cache.blocks.slice(0, Math.floor(source.length / CACHE_POSITIONS)) ?? [];
    const shared = whole.filter((block) => held.has(block)).length;
    return (held.size - shared) * blockBytes + this.#pool.bytes(capacity) + this.#growth() <= limitBytes;
  }

  /** Positions of a block that both fill in part are copied, where there is room for the copy. */
  #begin(source: Source | undefined, capacity: number): KeyValueCache {
    if (source === undefined) return new KeyValueCache(this.#pool, capacity);
    const { entry, length } = source;
    const part = this.#makeRoom(this.#pool.blockBytes, entry) ? 0 : length % CACHE_POSITIONS;
    return entry.cache.fork(length - part, capacity);
  }

  /** Lets go of what was kept until so much is free. @returns whether it is */
  #makeRoom(bytes: number, but?: Entry): boolean {
    for (const entry of this.#kept) {
      if (this.#pool.freeBytes >= bytes) break;
      if (entry !== but) this.#letGo(entry);
    }
    return this.#pool.freeBytes >= bytes;
  }

  /** What running sequences hold; what several share counts once. */
  #heldBlocks(): ReadonlySet<Block> {
    const held = new Set<Block>();
    for (const { blocks } of this.#running.keys()) for (const block of blocks) held.add(block);
    return held;
  }

  /** What they may still come to hold. */
  #growth(): number {
    let growth = 0;
    for (const { capacity, blocks } of this.#running.keys())
      growth += this.#pool.bytes(capacity) - blocks.length * this.#pool.blockBytes;
    return growth;
  }

  #treeOf({ bothWays, adapter }: Pick<Opening, 'bothWays' | 'adapter'>): PrefixTree<Entry> {
    const key = `${bothWays ? 'both ways' : 'causal'} ${adapter ?? ''}`;
    const tree = this.#trees.get(key) ?? new PrefixTree();
    this.#trees.set(key, tree);
    return tree;
  }

  /** Where to take the longest beginning from; 'later' where a running sequence is about to compute a longer one. */
  #source(opening: Opening): Source | 'later' | undefined {
    const { ids, bothWays, shared } = opening;
    let best: Source | undefined;
    let promised = 0;
    for (const { entry, length: common } of this.#treeOf(opening).along(ids)) {
      if (Math.min(common, shared) < LEAST_SHARED || (best !== undefined && common <= best.length)) break;
      if (bothWays && (common < ids.length || entry.ids.length > common)) continue;
      // The last token of the prompt is always fed: its logits are wanted.
      const length = Math.min(common, ids.length - 1, shared);
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
      entry.cache.dispose();
      return;
    }
    for (const other of shorter) this.#letGo(other);
    const kept = { ...entry, cache: this.#onlyFirst(entry) };
    tree.add(ids, kept);
    this.#kept.add(kept);
  }

  #letGo(entry: Entry): void {
    this.#kept.delete(entry);
    this.#treeOf(entry).remove(entry);
    entry.cache.dispose();
  }

  /** Gives back what no other sequence could go on from: the answer behind a prompt that was read in both directions. */
  #onlyFirst({ cache, ids }: Entry): KeyValueCache {
    if (cache.length === ids.length || this.#pool.freeBytes < this.#pool.blockBytes) return cache;
    using whole = cache;
    return whole.fork(ids.length, ids.length);
  }
}
