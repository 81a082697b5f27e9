/** Documents and bytes that all worker threads have read so far, for a progress that does not wait for the end of a file. */
export class SharedCount {
  readonly memory: SharedArrayBuffer;
  readonly #counts: BigInt64Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(16)) {
    this.memory = memory;
    this.#counts = new BigInt64Array(memory);
  }

  add(documents: number, bytes: number): void {
    Atomics.add(this.#counts, 0, BigInt(documents));
    Atomics.add(this.#counts, 1, BigInt(bytes));
  }

  get documents(): number {
    return Number(Atomics.load(this.#counts, 0));
  }

  get bytes(): number {
    return Number(Atomics.load(this.#counts, 1));
  }
}
