/** Where the records of spill files lie, from their lengths alone: 4 bytes a record, and a position every 64 of them. */
const STEP = 64;

export class RecordIndex {
  readonly #lengths: Uint32Array;
  /** Number of the first record of each file, and of the end. */
  readonly #firsts: Float64Array;
  /** Bytes before every 64th record, and before the first record of each file, over all files. */
  readonly #positions: Float64Array;
  readonly #starts: Float64Array;

  /** @param counts records of each file; @param lengths bytes of each record, file after file */
  constructor(counts: readonly number[], lengths: Uint32Array) {
    this.#lengths = lengths;
    this.#firsts = new Float64Array(counts.length + 1);
    for (const [i, count] of counts.entries()) this.#firsts[i + 1] = this.#firsts[i]! + count;
    this.#positions = new Float64Array(Math.floor(lengths.length / STEP) + 1);
    let position = 0;
    for (let i = 0; i < lengths.length; i++) {
      if (i % STEP === 0) this.#positions[i / STEP] = position;
      position += lengths[i]!;
    }
    this.#starts = Float64Array.from(counts, (_, file) => this.#position(this.#firsts[file]!));
  }

  length(record: number): number {
    return this.#lengths[record]!;
  }

  /** The file that a record is in. */
  unitOf(record: number): number {
    let [low, high] = [0, this.#firsts.length - 2];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#firsts[middle]! <= record) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  locate(record: number): { unit: number; offset: number; length: number } {
    const unit = this.unitOf(record);
    return { unit, offset: this.#position(record) - this.#starts[unit]!, length: this.#lengths[record]! };
  }

  #position(record: number): number {
    const from = Math.min(Math.floor(record / STEP), this.#positions.length - 1);
    let position = this.#positions[from]!;
    for (let i = from * STEP; i < record; i++) position += this.#lengths[i]!;
    return position;
  }
}
