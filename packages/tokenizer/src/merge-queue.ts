/**
 * Priority queue of candidate merges: the most frequent pair first, equal counts by smaller left id, then smaller right
 * id (the order of Hugging Face's trainer). Each candidate carries the positions where its pair was seen. Fields lie in
 * parallel typed arrays, since millions of candidates are queued and few ever leave.
 */

export interface Candidate {
  left: number;
  right: number;
  count: number;
  /** Ascending positions in the trainer's symbol array. */
  positions: Int32Array;
}

export class MergeQueue {
  #lefts = new Int32Array(1 << 12);
  #rights = new Int32Array(1 << 12);
  #counts = new Float64Array(1 << 12);
  #starts = new Uint32Array(1 << 12);
  #ends = new Uint32Array(1 << 12);
  /** Number of the buffer in `#buffers` that holds the positions. */
  #owners = new Int32Array(1 << 12);
  #heap = new Int32Array(1 << 12);
  #size = 0;
  #entries = 0;
  readonly #freeEntries: number[] = [];
  readonly #buffers: (Int32Array | undefined)[] = [];
  readonly #pending: number[] = [];

  /** Takes over a buffer of positions; its number goes into `push`. */
  addBuffer(positions: Int32Array): number {
    this.#buffers.push(positions);
    this.#pending.push(0);
    return this.#buffers.length - 1;
  }

  /** Queues a pair whose positions are `buffer[start, end)`. */
  push(left: number, right: number, count: number, buffer: number, start: number, end: number): void {
    const entry = this.#freeEntries.pop() ?? this.#entries++;
    if (entry >= this.#lefts.length) this.#grow();
    this.#lefts[entry] = left;
    this.#rights[entry] = right;
    this.#counts[entry] = count;
    this.#owners[entry] = buffer;
    this.#starts[entry] = start;
    this.#ends[entry] = end;
    this.#pending[buffer]!++;
    this.#siftUp(this.#size++, entry);
  }

  /**
   * Takes the first candidate whose queued count is still its count now; others are queued again with their count now
   * (counts only shrink while queued, so the queued one is an upper bound). Undefined when the queue is empty.
   */
  pop(countNow: (left: number, right: number) => number): Candidate | undefined {
    while (this.#size > 0) {
      const entry = this.#heap[0]!;
      const left = this.#lefts[entry]!;
      const right = this.#rights[entry]!;
      const count = countNow(left, right);
      if (count === this.#counts[entry]) {
        this.#removeTop();
        return { left, right, count, positions: this.#release(entry) };
      }
      this.#counts[entry] = count;
      this.#siftDown(entry);
    }
    return undefined;
  }

  #release(entry: number): Int32Array {
    const owner = this.#owners[entry]!;
    const positions = this.#buffers[owner]!.subarray(this.#starts[entry], this.#ends[entry]);
    if (--this.#pending[owner]! === 0) this.#buffers[owner] = undefined;
    this.#freeEntries.push(entry);
    return positions;
  }

  #removeTop(): void {
    const last = this.#heap[--this.#size]!;
    if (this.#size > 0) this.#siftDown(last);
  }

  #isBefore(a: number, b: number): boolean {
    const byCount = this.#counts[a]! - this.#counts[b]!;
    if (byCount !== 0) return byCount > 0;
    const byLeft = this.#lefts[a]! - this.#lefts[b]!;
    return byLeft !== 0 ? byLeft < 0 : this.#rights[a]! < this.#rights[b]!;
  }

  #siftUp(hole: number, entry: number): void {
    let child = hole;
    while (child > 0) {
      const parent = (child - 1) >> 2;
      if (!this.#isBefore(entry, this.#heap[parent]!)) break;
      this.#heap[child] = this.#heap[parent]!;
      child = parent;
    }
    this.#heap[child] = entry;
  }

  /** Puts an entry at the top and lets it sink. */
  #siftDown(entry: number): void {
    let parent = 0;
    for (;;) {
      const first = 4 * parent + 1;
      if (first >= this.#size) break;
      let best = first;
      const end = Math.min(first + 4, this.#size);
      for (let child = first + 1; child < end; child++) {
        if (this.#isBefore(this.#heap[child]!, this.#heap[best]!)) best = child;
      }
      if (!this.#isBefore(this.#heap[best]!, entry)) break;
      this.#heap[parent] = this.#heap[best]!;
      parent = best;
    }
    this.#heap[parent] = entry;
  }

  #grow(): void {
    const capacity = this.#lefts.length * 2;
    const widen = <T extends Int32Array | Uint32Array | Float64Array>(old: T, wide: T): T => {
      wide.set(old);
      return wide;
    };
    this.#lefts = widen(this.#lefts, new Int32Array(capacity));
    this.#rights = widen(this.#rights, new Int32Array(capacity));
    this.#counts = widen(this.#counts, new Float64Array(capacity));
    this.#starts = widen(this.#starts, new Uint32Array(capacity));
    this.#ends = widen(this.#ends, new Uint32Array(capacity));
    this.#owners = widen(this.#owners, new Int32Array(capacity));
    this.#heap = widen(this.#heap, new Int32Array(capacity));
  }
}
